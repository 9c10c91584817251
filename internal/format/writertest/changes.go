package writertest

import "lakelink"

func changesArrive(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2, 3, 4)...))
	x.commit(w, At(6), Rows(t, Contacts(6, 2, 9)...), Deletes(t, ID(3)))
	x.wantPosition(w, At(6))
	want := append(Contacts(1, 1, 4), Contacts(6, 2, 9)...)
	x.want(t, At(6), want...)
	// Row by row, through many small commits.
	for v := int64(7); v < 60; v++ {
		x.commit(w, At(v), Rows(t, Contacts(v, 2)...))
	}
	want = append(Contacts(1, 1, 4), append(Contacts(6, 9), Contacts(59, 2)...)...)
	x.want(t, At(59), want...)
	x.reopen()
	w = x.table(t)
	x.wantPosition(w, At(59))
	x.want(t, At(59), want...)
}

func replayChangesNothing(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2, 3)...))
	cycle := func() []*lakelink.Batch {
		return []*lakelink.Batch{Rows(t, Contacts(6, 2, 4)...), Deletes(t, ID(3), ID(77))}
	}
	want := append(Contacts(1, 1), Contacts(6, 2, 4)...)
	x.commit(w, At(6), cycle()...)
	x.want(t, At(6), want...)
	x.commit(w, At(6), cycle()...)
	x.want(t, At(6), want...)
	x.reopen()
	w = x.table(t)
	x.commit(w, At(6), cycle()...)
	x.wantPosition(w, At(6))
	x.want(t, At(6), want...)
}

func lowerVersion(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(5, 1, 2)...))
	x.commit(w, At(6), Rows(t, append(Contacts(4, 1), Contacts(6, 2)...)...))
	x.want(t, At(6), append(Contacts(5, 1), Contacts(6, 2)...)...)
	x.commit(w, At(7), Rows(t, append(Contacts(7, 3), Contacts(5, 2)...)...))
	x.want(t, At(7), append(Contacts(5, 1), append(Contacts(6, 2), Contacts(7, 3)...)...)...)
}

func highestOfOneCommit(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1)...))
	x.commit(w, At(9),
		Rows(t, append(Contacts(6, 1, 2), Contacts(8, 3)...)...),
		Rows(t, append(Contacts(7, 1, 3), Contacts(6, 4)...)...),
		Rows(t, append(Contacts(8, 2), Contacts(9, 4)...)...))
	x.want(t, At(9), append(append(Contacts(7, 1), Contacts(8, 2, 3)...), Contacts(9, 4)...)...)
}

func deletesArrive(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, append(Contacts(1, 1, 2, 3), Contacts(5, 4)...)...))
	x.commit(w, At(6), Deletes(t, ID(1)))
	x.want(t, At(6), append(Contacts(1, 2, 3), Contacts(5, 4)...)...)
	// A delete moves no version by itself: it may come with the version of the row.
	x.commit(w, At(6), Deletes(t, ID(2)))
	x.commit(w, At(6), &lakelink.Batch{Table: t, Deletes: []lakelink.Delete{{ID: ID(4), Version: 5}}})
	x.want(t, At(6), Contacts(1, 3)...)
	x.commit(w, At(8), Rows(t, Contacts(8, 5)...))
	x.commit(w, At(8), Deletes(t, ID(5)))
	x.want(t, At(8), Contacts(1, 3)...)
	x.reopen()
	x.want(t, At(8), Contacts(1, 3)...)
	w = x.table(t)
	x.commit(w, At(9), Deletes(t, ID(3)))
	x.want(t, At(9))
	// The same within one interval, where the format has such.
	x.ok(w.Write(x.ctx, Rows(t, Contacts(10, 6)...)))
	x.ok(w.Commit(x.ctx, At(10)))
	x.ok(w.Write(x.ctx, Deletes(t, ID(6))))
	x.ok(w.Commit(x.ctx, At(10)))
	x.show()
	x.wantRows(t)
}

func olderDeletes(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(5, 1, 2)...))
	x.commit(w, At(9), Rows(t, Contacts(9, 1)...))
	x.commit(w, At(10), &lakelink.Batch{Table: t, Deletes: []lakelink.Delete{
		{ID: ID(1), Version: 8}, {ID: ID(2), Version: 4}}})
	x.wantRows(t, append(Contacts(9, 1), Contacts(5, 2)...)...)
	x.commit(w, At(11), &lakelink.Batch{Table: t, Deletes: []lakelink.Delete{
		{ID: ID(1), Version: 10}, {ID: ID(2), Version: 6}}})
	x.want(t, At(11))
}

func unknownDelete(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1)...))
	x.commit(w, At(6), Deletes(t, ID(2), ID(3)))
	x.wantRows(t, Contacts(1, 1)...)
	x.commit(w, At(7), Rows(t, Contacts(7, 2)...), Deletes(t, ID(3)))
	x.want(t, At(7), append(Contacts(1, 1), Contacts(7, 2)...)...)
}

func recreated(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2)...))
	x.commit(w, At(6), Deletes(t, ID(1)))
	x.commit(w, At(7), Rows(t, Contacts(7, 1)...))
	x.want(t, At(7), append(Contacts(7, 1), Contacts(1, 2)...)...)
	// The same within one interval, where the format has such.
	x.ok(w.Write(x.ctx, Deletes(t, ID(2))))
	x.ok(w.Commit(x.ctx, At(8)))
	x.ok(w.Write(x.ctx, Rows(t, Contacts(9, 2, 3)...)))
	x.ok(w.Commit(x.ctx, At(9)))
	x.ok(w.Write(x.ctx, Deletes(t, ID(3))))
	x.ok(w.Commit(x.ctx, At(11)))
	x.show()
	x.want(t, At(11), append(Contacts(7, 1), Contacts(9, 2)...)...)
}

func uncommitted(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1, 2)...))
	x.ok(w.Write(x.ctx, Rows(t, Contacts(6, 1, 3)...)))
	x.ok(w.Write(x.ctx, Deletes(t, ID(2))))
	x.show()
	x.want(t, At(5), Contacts(1, 1, 2)...)
	x.wantPosition(w, At(5))
	x.reopen()
	w = x.table(t)
	x.commit(w, At(7), Rows(t, Contacts(7, 4)...))
	x.want(t, At(7), append(Contacts(1, 1, 2), Contacts(7, 4)...)...)
}

func positionSurvives(x *session) {
	t := Contact()
	w := x.table(t)
	x.load(w, At(5), Rows(t, Contacts(1, 1)...))
	for v := int64(6); v < 50; v++ {
		x.ok(w.Write(x.ctx, Rows(t, Contacts(v, int(v))...)))
		x.wantPosition(w, At(v-1))
		x.commit(w, At(v))
		x.wantPosition(w, At(v))
		if v%11 == 0 {
			x.reopen()
			w = x.table(t)
			x.wantPosition(w, At(v))
		}
	}
	// Nothing has changed but time: the writer may keep that to itself, but never runs ahead.
	x.commit(w, At(90))
	x.reopen()
	if p := x.table(t).Position(); !samePosition(p, At(49)) && !samePosition(p, At(90)) {
		x.Fatalf("after commits at 49 and, without changes, at 90 the writer is at %+v", p)
	}
	late := At(91)
	late.At = late.At.AddDate(0, 0, 2)
	x.commit(x.table(t), late)
	x.reopen()
	x.wantPosition(x.table(t), late)
}
