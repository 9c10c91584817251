package sample

// Stats counts what a Traffic has done. Each is a number of changes: one row created, updated or
// deleted. An activity's counterpart in activitypointer is not counted.
type Stats struct {
	Creates, Updates, Deletes int64
	// Recreates are rows that came back under their old id; each is among Deletes and Creates too.
	Recreates int64
	// Bursts are transactions of several hundred changes.
	Bursts int64
	// Transactions are all transactions.
	Transactions int64
	// Missed are changes to rows that somebody else had deleted; they are not among the others.
	Missed int64
}

// Changes is the number of all changes.
func (s Stats) Changes() int64 { return s.Creates + s.Updates + s.Deletes }

func (s *Stats) add(o Stats) {
	s.Creates += o.Creates
	s.Updates += o.Updates
	s.Deletes += o.Deletes
	s.Recreates += o.Recreates
	s.Bursts += o.Bursts
	s.Transactions += o.Transactions
	s.Missed += o.Missed
}
