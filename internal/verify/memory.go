package verify

// A share is how the memory for records is divided, in records. What has been read of the source
// stays for all rounds; the other parts are used one after the other.
type share struct {
	source  int // per rule
	lake    int
	changes int // per rule
	spool   int // each of a side's two
	filter  int // ids
}

func shareOut(bytes int64, rules, sides int) share {
	records := int(bytes / recordMemory)
	part := func(sixteenths, among int) int { return max(records*sixteenths/16/among, 16) }
	return share{
		source:  part(6, rules),
		lake:    part(4, 1),
		changes: part(2, rules),
		spool:   part(2, 2*sides),
		filter:  part(2, 1),
	}
}
