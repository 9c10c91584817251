package replicate

import (
	"context"
	"fmt"
	"time"

	"lakelink"
)

// closeIntervals makes what an interval format has gathered readable, every interval. An error
// that another try may mend keeps the interval open; a conflict ends the attempt, so
// that everything is opened anew from the lake.
func (r *runner) closeIntervals(ctx context.Context, w lakelink.IntervalWriter) error {
	tick := time.NewTicker(time.Duration(r.link.Interval))
	defer tick.Stop()
	failing := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !w.Pending() {
			if !failing.IsZero() { // its tables were opened anew since, and go on from the lake
				failing = time.Time{}
				r.setProblem(nil)
			}
			continue
		}
		began := r.opts.Now()
		err := w.CloseInterval(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if r.opts.Events.Closed != nil {
			r.opts.Events.Closed(r.link.Name, w.Format(), r.opts.Now().Sub(began), err)
		}
		switch {
		case err == nil:
			if !failing.IsZero() {
				failing = time.Time{}
				r.setProblem(nil)
			}
			for _, f := range r.Followers() {
				f.closed(w.Format())
			}
		case lakelink.IsKind(err, lakelink.KindConflict):
			return err
		default:
			if failing.IsZero() {
				failing = r.opts.Now()
			}
			r.setProblem(lakelink.ProblemOf(fmt.Errorf("%s: %w", w.Format(), err), failing))
		}
	}
}
