package devserver

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// A Fault is a way for one request to go wrong.
type Fault struct {
	// Status, if not 0, refuses the request with it; Code and Message have defaults that suit it.
	Status     int
	Code       string
	Message    string
	RetryAfter int // seconds, for a Status of 429 or 503
	// CutBody sends half the body as if it were all.
	CutBody bool
	// Reset closes the connection after half the body.
	Reset bool
}

// Faults holds the faults that are switched on. It may be changed while the server runs; the
// zero value has none.
type Faults struct {
	mu           sync.Mutex
	rules        []*faultRule
	dropWebhooks atomic.Int64
	signedOut    atomic.Int64 // access tokens with a lower number are refused
}

type faultRule struct {
	match func(*http.Request) bool
	left  int
	fault Fault
}

// Next makes the next times requests to the Web API fail.
func (f *Faults) Next(times int, fault Fault) {
	f.When(func(*http.Request) bool { return true }, times, fault)
}

// FailNext makes the next times requests fail with an HTTP status.
func (f *Faults) FailNext(status, times int) { f.Next(times, Fault{Status: status}) }

// Throttle answers the next times requests with 429 and Retry-After.
func (f *Faults) Throttle(retryAfter, times int) {
	f.Next(times, Fault{Status: http.StatusTooManyRequests, RetryAfter: retryAfter})
}

// When makes the next times requests that match fail. match must not keep the request.
func (f *Faults) When(match func(*http.Request) bool, times int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &faultRule{match, times, fault})
}

// Clear switches all faults off.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	f.dropWebhooks.Store(0)
}

// DropWebhooks loses the next n webhook calls.
func (f *Faults) DropWebhooks(n int) { f.dropWebhooks.Store(int64(n)) }

// SignOut makes every access token given out so far invalid.
func (f *Faults) SignOut() { f.signedOut.Add(1) }

// take returns the fault for a request, the zero Fault if there is none.
func (f *Faults) take(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, rule := range f.rules {
		if !rule.match(r) {
			continue
		}
		if rule.left--; rule.left <= 0 {
			f.rules = append(f.rules[:i:i], f.rules[i+1:]...)
		}
		return rule.fault
	}
	return Fault{}
}

// dropWebhook says whether to lose a webhook call.
func (f *Faults) dropWebhook() bool {
	for {
		n := f.dropWebhooks.Load()
		if n <= 0 {
			return false
		}
		if f.dropWebhooks.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// err is the refusal a fault asks for.
func (f Fault) err() error {
	e := apiError{f.Status, f.Code, f.Message}
	if e.code == "" {
		e.code = codeUnexpected
		if f.Status == http.StatusTooManyRequests {
			e.code = codeManyRequests
		}
	}
	if e.message == "" {
		e.message = http.StatusText(f.Status)
		if e.code == codeManyRequests {
			e.message = fmt.Sprintf("Number of requests exceeded the limit of %d over time window of %d seconds.", 6000, 300)
		}
	}
	if f.RetryAfter > 0 {
		return &throttled{e, f.RetryAfter}
	}
	return &e
}
