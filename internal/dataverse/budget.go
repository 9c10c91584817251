package dataverse

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Budget keeps what is asked of one environment by one application user within its service
// protection limits (§6.1): requests in a sliding window, requests at once, and a pause for
// everyone when the environment asks for one. Whoever shares the environment and the application
// user shares the Budget. Changes and metadata come before initial loads.
//
// It is safe for concurrent use and has no goroutine of its own.
type Budget struct {
	o BudgetOptions

	mu        sync.Mutex
	inFlight  int
	loads     int // of inFlight
	limit     int // requests at once, following the environment's hint
	paused    time.Time
	waiting   [2][]chan struct{} // by rank, oldest first; closed when it is time to try
	timer     *time.Timer
	window    window
	day       time.Time
	today     int64
	throttled int64
}

// BudgetOptions are the bounds of a Budget. Zero fields take the defaults.
type BudgetOptions struct {
	// Requests and Window are the environment's own limit: 6,000 in 5 minutes. A tenth of it is
	// left to others, and loads leave another fifth to changes.
	Requests int
	Window   time.Duration
	// Concurrency is the most requests at once, even where the environment would bear more: 8.
	Concurrency int
}

// BudgetStats is how a Budget stands.
type BudgetStats struct {
	InFlight    int       `json:"inFlight"`
	Concurrency int       `json:"concurrency"` // requests at once that are allowed now
	Waiting     int       `json:"waiting"`
	Recent      int       `json:"recent"` // requests in the window
	Limit       int       `json:"limit"`  // requests in the window that are used at most
	Today       int64     `json:"today"`  // requests since midnight UTC
	Throttled   int64     `json:"throttled"`
	PausedUntil time.Time `json:"pausedUntil,omitzero"`
}

// A rank says who comes first when requests are scarce.
type rank int

const (
	rankChanges rank = iota // changes, metadata, hooks
	rankLoad
)

// NewBudget makes a Budget that nobody else shares.
func NewBudget(o BudgetOptions) *Budget {
	if o.Requests <= 0 {
		o.Requests = 6000
	}
	if o.Window <= 0 {
		o.Window = 5 * time.Minute
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	return &Budget{o: o, limit: o.Concurrency, window: window{unit: o.Window/(buckets-1) + 1}}
}

var budgets = struct {
	sync.Mutex
	of map[string]*Budget
}{of: map[string]*Budget{}}

// BudgetFor returns the Budget that this process shares for an environment and an application user.
func BudgetFor(environment, clientID string) *Budget {
	key := strings.ToLower(environment)
	if u, err := url.Parse(key); err == nil && u.Host != "" {
		key = u.Host
	}
	key += " " + strings.ToLower(clientID)
	budgets.Lock()
	defer budgets.Unlock()
	if budgets.of[key] == nil {
		budgets.of[key] = NewBudget(BudgetOptions{})
	}
	return budgets.of[key]
}

// take waits for leave to send one request. The caller gives the slot back when it is done with
// the answer.
func (b *Budget) take(ctx context.Context, r rank) (giveBack func(), err error) {
	b.mu.Lock()
	var turn chan struct{}
	for {
		if err := ctx.Err(); err != nil {
			b.leave(r, turn)
			b.mu.Unlock()
			return nil, context.Cause(ctx)
		}
		if b.may(r, turn) {
			break
		}
		if turn == nil {
			turn = make(chan struct{}, 1)
			b.waiting[r] = append(b.waiting[r], turn)
		}
		b.setTimer()
		b.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
		}
		b.mu.Lock()
	}
	b.leave(r, turn)
	b.inFlight++
	if r == rankLoad {
		b.loads++
	}
	b.count(time.Now())
	b.wake()
	b.mu.Unlock()
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.inFlight--
		if r == rankLoad {
			b.loads--
		}
		b.wake()
	}), nil
}

// may reports whether a request of that rank may be sent now by the waiter turn, or by a
// newcomer, who comes after those that wait.
func (b *Budget) may(r rank, turn chan struct{}) bool {
	now := time.Now()
	for before := rankChanges; before <= r; before++ {
		w := b.waiting[before]
		if len(w) > 0 && (before != r || w[0] != turn) {
			return false
		}
	}
	slots, requests := b.limit, b.requests()
	if r == rankLoad {
		requests -= requests / 5
		// One slot stays free, so that changes need not wait for a page of a load to end.
		if b.limit > 1 && b.loads >= b.limit-1 {
			return false
		}
	}
	return b.inFlight < slots && !now.Before(b.paused) && b.window.sum(now) < requests
}

// requests is how many requests of the window are used.
func (b *Budget) requests() int { return max(1, b.o.Requests-b.o.Requests/10) }

// leave takes a waiter out of its queue.
func (b *Budget) leave(r rank, turn chan struct{}) {
	if turn == nil {
		return
	}
	for i, w := range b.waiting[r] {
		if w == turn {
			b.waiting[r] = append(b.waiting[r][:i:i], b.waiting[r][i+1:]...)
			b.wake()
			return
		}
	}
}

// wake lets the first of each rank look again.
func (b *Budget) wake() {
	for _, w := range b.waiting {
		if len(w) > 0 {
			select {
			case w[0] <- struct{}{}:
			default:
			}
		}
	}
}

// setTimer wakes the waiters when time alone lets them go on.
func (b *Budget) setTimer() {
	now := time.Now()
	wait := b.paused.Sub(now)
	if wait <= 0 {
		wait = b.window.unit
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.wake()
		})
		return
	}
	b.timer.Reset(wait)
}

// count notes a request.
func (b *Budget) count(now time.Time) {
	b.window.add(now)
	if day := now.UTC().Truncate(24 * time.Hour); !day.Equal(b.day) {
		b.day, b.today = day, 0
	}
	b.today++
}

// pause makes everyone wait: the limits are per application user (§6.1).
func (b *Budget) pause(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.throttled++
	if until := time.Now().Add(d); until.After(b.paused) {
		b.paused = until
	}
}

// hint follows the environment's recommended degree of parallelism (x-ms-dop-hint).
func (b *Budget) hint(n int) {
	if n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = min(n, b.o.Concurrency)
	b.wake()
}

// Stats tells how the budget stands.
func (b *Budget) Stats() BudgetStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s := BudgetStats{InFlight: b.inFlight, Concurrency: b.limit, Recent: b.window.sum(now), Limit: b.requests(),
		Waiting: len(b.waiting[0]) + len(b.waiting[1]), Throttled: b.throttled}
	if now.Before(b.paused) {
		s.PausedUntil = b.paused
	}
	if now.UTC().Truncate(24 * time.Hour).Equal(b.day) {
		s.Today = b.today
	}
	return s
}

// buckets is how finely a window is kept.
const buckets = 300

// A window counts events of the last buckets units of time.
type window struct {
	unit  time.Duration
	n     [buckets]int
	total int
	last  int64 // the newest bucket, in units since 1970
}

// move forgets what is too old.
func (w *window) move(now time.Time) {
	at := now.UnixNano() / int64(w.unit)
	for n := 0; w.last < at && n < buckets; n++ {
		w.last++
		w.total -= w.n[w.last%buckets]
		w.n[w.last%buckets] = 0
	}
	w.last = max(w.last, at)
}

func (w *window) add(now time.Time) {
	w.move(now)
	w.n[w.last%buckets]++
	w.total++
}

func (w *window) sum(now time.Time) int {
	w.move(now)
	return w.total
}
