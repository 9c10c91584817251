package writertest

import "lakelink"

func loadAppearsWhole(x *session) {
	t := Contact()
	w := x.table(t)
	x.wantPosition(w, lakelink.Position{})
	l, err := w.Load(x.ctx)
	x.ok(err)
	if n := len(l.Staged()); n != 0 {
		x.Fatalf("a first load has %d positions staged", n)
	}
	for i := range 3 {
		x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(int64(i+1), 10*i, 10*i+1, 10*i+2)...))))
		x.wantNothing(t)
		x.ok(l.Stage(x.ctx, page(i+1)))
		x.show()
		x.wantNothing(t)
		x.wantPosition(w, lakelink.Position{})
	}
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(4, 40)...))))
	x.ok(l.Finish(x.ctx, At(9)))
	x.show()
	x.wantPosition(w, At(9))
	want := append(Contacts(1, 0, 1, 2), Contacts(2, 10, 11, 12)...)
	want = append(append(want, Contacts(3, 20, 21, 22)...), Contacts(4, 40)...)
	x.want(t, At(9), want...)
	x.reopen()
	x.wantPosition(x.table(t), At(9))
	x.want(t, At(9), want...)
}

func loadOfAnEmptyTable(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(3))
	x.wantPosition(w, At(3))
	x.want(t, At(3))
	x.reopen()
	w = x.table(t)
	x.wantPosition(w, At(3))
	x.commit(w, At(4), Rows(t, Contacts(4, 1)...))
	x.want(t, At(4), Contacts(4, 1)...)
}

func loadGoesOn(x *session) {
	t := Contact()
	l, err := x.table(t).Load(x.ctx)
	x.ok(err)
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(1, 1, 2)...))))
	x.ok(l.Stage(x.ctx, page(1)))
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(2, 3)...))))
	x.ok(l.Stage(x.ctx, page(2)))
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(3, 4)...)))) // not staged: forgotten
	x.reopen()
	x.wantNothing(t)

	w := x.table(t)
	l, err = w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l, page(1), page(2))
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(5, 5)...))))
	x.ok(l.Stage(x.ctx, At(7)))
	x.wantStaged(l, page(1), page(2), At(7))
	x.reopen()

	w = x.table(t)
	l, err = w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l, page(1), page(2), At(7))
	x.ok(l.Finish(x.ctx, At(7)))
	x.show()
	want := append(Contacts(1, 1, 2), append(Contacts(2, 3), Contacts(5, 5)...)...)
	x.want(t, At(7), want...)
}

func loadCanBeTruncated(x *session) {
	t := Contact()
	w := x.table(t)
	l, err := w.Load(x.ctx)
	x.ok(err)
	for i := range 4 {
		x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(int64(i+1), i)...))))
		x.ok(l.Stage(x.ctx, page(i+1)))
	}
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(9, 99)...)))) // after page 2, so forgotten too
	x.ok(l.Truncate(x.ctx, page(2).Checkpoint))
	x.wantStaged(l, page(1), page(2))
	x.reopen()
	w = x.table(t)
	l, err = w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l, page(1), page(2))
	x.ok(l.Truncate(x.ctx, ""))
	x.wantStaged(l)
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(5, 50)...))))
	x.ok(l.Finish(x.ctx, At(6)))
	x.show()
	x.want(t, At(6), Contacts(5, 50)...)
}

func loadRepeats(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(20),
		Rows(t, append(Contacts(1, 1, 2, 3, 4), Contacts(7, 5)...)...),
		Rows(t, append(Contacts(4, 2), Contacts(1, 1)...)...),
		Rows(t, Contacts(3, 2, 5, 3)...))
	want := append(Contacts(1, 1, 4), Contacts(4, 2)...)
	want = append(append(want, Contacts(3, 3)...), Contacts(7, 5)...)
	x.want(t, At(20), want...)
	// The table goes on well with what the load has left.
	x.commit(w, At(21), Rows(t, Contacts(21, 2, 4)...))
	want = append(Contacts(1, 1), Contacts(21, 2, 4)...)
	want = append(append(want, Contacts(3, 3)...), Contacts(7, 5)...)
	x.want(t, At(21), want...)
}

func finishedLoadIsGone(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(2), Rows(t, Contacts(1, 1)...), Rows(t, Contacts(2, 2)...))
	x.reopen()
	w = x.table(t)
	l, err := w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l)
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(3, 3)...))))
	x.ok(l.Finish(x.ctx, At(5)))
	x.show()
	x.want(t, At(5), Contacts(3, 3)...)
}

func resyncFindsDeletes(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2, 3, 4, 5, 6, 7)...))
	x.commit(w, At(6), Rows(t, Contacts(6, 8, 2)...))
	// 3, 5 and 8 were deleted while nobody looked, 9 is new, 4 has changed.
	x.load(w, At(10),
		Rows(t, append(Contacts(1, 1, 6, 7), Contacts(6, 2)...)...),
		Rows(t, append(Contacts(9, 4), Contacts(10, 9)...)...))
	want := append(Contacts(1, 1, 6, 7), Contacts(6, 2)...)
	want = append(append(want, Contacts(9, 4)...), Contacts(10, 9)...)
	x.want(t, At(10), want...)
	x.reopen()
	w = x.table(t)
	x.wantPosition(w, At(10))
	x.commit(w, At(11), Rows(t, Contacts(11, 3)...))
	x.want(t, At(11), append(want, Contacts(11, 3)...)...)
}

func resyncHides(x *session) {
	t := Contact()
	w := x.table(t)
	old := Contacts(1, 1, 2, 3)
	x.load(w, At(5), Rows(t, old...))
	l, err := w.Load(x.ctx)
	x.ok(err)
	x.ok(l.Write(x.ctx, loaded(Rows(t, Contacts(7, 1, 9)...))))
	x.ok(l.Stage(x.ctx, page(1)))
	x.show()
	x.want(t, At(5), old...)
	x.wantPosition(w, At(5))
	x.reopen()
	x.want(t, At(5), old...)
	w = x.table(t)
	x.wantPosition(w, At(5))
	// Changes go on while a load is staged.
	x.commit(w, At(6), Rows(t, Contacts(6, 2)...))
	x.want(t, At(6), append(Contacts(1, 1, 3), Contacts(6, 2)...)...)
	l, err = w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l, page(1))
	x.ok(l.Finish(x.ctx, At(8)))
	x.show()
	x.want(t, At(8), Contacts(7, 1, 9)...)
}

// loadForgetsUncommitted: the position expires while a cycle is read, and the table is loaded by the
// same TableWriter.
func loadForgetsUncommitted(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2)...))
	x.ok(w.Write(x.ctx, Rows(t, Contacts(6, 7)...)))
	x.ok(w.Write(x.ctx, Deletes(t, ID(2))))
	x.load(w, At(9), Rows(t, append(Contacts(1, 1), Contacts(8, 2)...)...))
	x.commit(w, At(10), Rows(t, Contacts(10, 3)...))
	x.want(t, At(10), append(Contacts(1, 1), append(Contacts(8, 2), Contacts(10, 3)...)...)...)
}

// wantStaged compares what a load says it has staged.
func (x *session) wantStaged(l lakelink.LoadWriter, want ...lakelink.Position) {
	x.Helper()
	got := l.Staged()
	same := len(got) == len(want)
	for i := range want {
		same = same && samePosition(got[i], want[i])
	}
	if !same {
		x.Fatalf("staged: %+v, want %+v", got, want)
	}
}
