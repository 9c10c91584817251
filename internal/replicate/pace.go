package replicate

import (
	"errors"
	"math/rand/v2"
	"time"

	"lakelink"
)

// A pace decides when an idle table is looked at again: soon while it changes, ever more rarely
// while it does not.
type pace struct {
	min, max time.Duration
	next     time.Duration
}

// after returns how long to wait once a read has found changes or not.
func (p *pace) after(changed bool) time.Duration {
	if changed || p.next < p.min {
		p.next = p.min
	} else {
		p.next = min(p.next*3/2, p.max)
	}
	return p.next
}

// A backoff spaces the tries after failures, doubling from min to max with a quarter of jitter.
type backoff struct {
	min, max time.Duration
	tries    int
}

func (b *backoff) reset() { b.tries = 0 }

// after counts a failure and returns how long to wait; atLeast is what the other side asked for.
func (b *backoff) after(atLeast time.Duration) time.Duration {
	d := b.min << min(b.tries, 20)
	if d <= 0 || d > b.max {
		d = b.max
	}
	b.tries++
	d += time.Duration(rand.Int64N(int64(d)/4 + 1))
	return max(d, atLeast)
}

// asked is how long the other side wants to be left alone after an error, wherever in it that is said.
func asked(err error) (d time.Duration) {
	for e := (*lakelink.Error)(nil); errors.As(err, &e); err = e.Err {
		d = max(d, e.After)
	}
	return d
}
