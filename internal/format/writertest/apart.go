package writertest

import (
	"sync"

	"lakelink"
	"lakelink/internal/lake/memlake"
)

func tablesAreApart(x *session) {
	a, c := Account(), Contact()
	wa, wc := x.table(a), x.table(c)
	x.load(wa, At(50), Rows(a, Extremes()...))
	x.wantNothing(c)
	x.load(wc, At(51), Rows(c, Contacts(1, 1, 2)...))
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, write := range []func() error{
		func() error { return wa.Write(x.ctx, Deletes(a, ID(100), ID(101))) },
		func() error { return wc.Write(x.ctx, Rows(c, Contacts(52, 2, 3)...)) },
	} {
		w := []lakelink.TableWriter{wa, wc}[i]
		wg.Go(func() {
			if errs[i] = write(); errs[i] == nil {
				errs[i] = w.Commit(x.ctx, At(53))
			}
		})
	}
	wg.Wait()
	x.ok(errs[0])
	x.ok(errs[1])
	x.show()
	x.want(a, At(53), Extremes()[2:]...)
	x.want(c, At(53), append(Contacts(1, 1), Contacts(52, 2, 3)...)...)
}

func forgetRemoves(x *session) {
	a, c := Account(), Contact()
	x.load(x.table(a), At(50), Rows(a, Extremes()...))
	w := x.table(c)
	x.load(w, At(5), Rows(c, Contacts(1, 1)...))
	l, err := w.Load(x.ctx)
	x.ok(err)
	x.ok(l.Write(x.ctx, loaded(Rows(c, Contacts(2, 2)...))))
	x.ok(l.Stage(x.ctx, page(1)))
	x.reopen()
	x.ok(x.writer.Forget(x.ctx, c.Name))
	x.show()
	x.wantNothing(c)
	x.ok(x.writer.Forget(x.ctx, c.Name)) // once more does no harm
	x.want(a, At(50), Extremes()...)
	x.reopen()
	w = x.table(c)
	x.wantPosition(w, lakelink.Position{})
	l, err = w.Load(x.ctx)
	x.ok(err)
	x.wantStaged(l)
	x.ok(l.Write(x.ctx, loaded(Rows(c, Contacts(3, 7)...))))
	x.ok(l.Finish(x.ctx, At(8)))
	x.show()
	x.want(c, At(8), Contacts(3, 7)...)
}

// twoWriters runs two programs over one lake. The one that is behind either learns of it, or still
// does what is right.
func twoWriters(x *session) {
	t := Contact()
	first := x.table(t)
	x.load(first, At(5), Rows(t, Contacts(1, 1, 2, 3)...))

	other, _ := x.suite.open(x.T, x.lake)
	defer other.Close()
	second, err := other.Table(x.ctx, t)
	x.ok(err)
	x.ok(second.Write(x.ctx, Rows(t, Contacts(6, 2)...)))
	x.ok(second.Commit(x.ctx, At(6)))
	x.ok(show(x.ctx, other))
	x.want(t, At(6), append(Contacts(1, 1, 3), Contacts(6, 2)...)...)

	// The first has read on from 5 too: it brings what the second has brought, and more.
	err = first.Write(x.ctx, Rows(t, append(Contacts(6, 2), Contacts(7, 3)...)...))
	if err == nil {
		err = first.Commit(x.ctx, At(7))
	}
	if err == nil {
		err = show(x.ctx, x.writer)
	}
	switch {
	case lakelink.IsKind(err, lakelink.KindConflict):
		x.want(t, At(6), append(Contacts(1, 1, 3), Contacts(6, 2)...)...)
		x.reopen()
		first = x.table(t)
		x.wantPosition(first, At(6))
		x.commit(first, At(7), Rows(t, Contacts(7, 3)...))
	case err != nil:
		x.Fatalf("a writer that is behind: %v, want KindConflict or success", err)
	}
	x.want(t, At(7), append(Contacts(1, 1), append(Contacts(6, 2), Contacts(7, 3)...)...)...)
}

// freshLake replaces the session's lake with an empty one, wrapped.
func (x *session) freshLake(wrap func(lakelink.Lake) lakelink.Lake) {
	x.writer.Close()
	x.lake = memlake.New()
	x.writer, x.reader = x.suite.open(x.T, wrap(x.lake))
}
