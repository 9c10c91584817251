// Package remotetest stands between a lake and its server, and lets chosen requests go wrong.
package remotetest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// A Fault is what happens to one request.
type Fault struct {
	Status int               // answer this instead; 0: none
	Header map[string]string // of that answer
	Body   string            // of that answer
	Effect bool              // the server does its work all the same
	Drop   bool              // close the connection without an answer
	Hang   bool              // do not answer until the client gives up
	Cut    int               // of the answer's body, send so many bytes and close the connection
}

// A Proxy passes requests on, except those that Fault, if it is not nil, says something about. n counts
// from 1. Fault may be called at the same time by several requests.
type Proxy struct {
	Next  http.Handler
	Fault func(n int, r *http.Request) *Fault

	mu sync.Mutex
	n  int
}

// Requests is how many there were.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// Reset counts from 1 again, with other faults.
func (p *Proxy) Reset(fault func(n int, r *http.Request) *Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.Fault = 0, fault
}

func (p *Proxy) next(r *http.Request) *Fault {
	p.mu.Lock()
	p.n++
	n, fault := p.n, p.Fault
	p.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(n, r)
}

// ServeHTTP passes a request on or not.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.next(r)
	if f == nil {
		p.Next.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	if f.Effect || f.Cut > 0 {
		p.Next.ServeHTTP(answer, r)
	}
	switch {
	case f.Hang:
		drain(r)
		<-r.Context().Done()
	case f.Cut > 0:
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()[:min(f.Cut, answer.Body.Len())])
		if f.Cut < answer.Body.Len() {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	case f.Drop:
		panic(http.ErrAbortHandler)
	default:
		drain(r)
		for k, v := range f.Header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	}
}

// drain reads what the client sends, without which its going away is not noticed.
func drain(r *http.Request) {
	buf := make([]byte, 32<<10)
	for {
		if _, err := r.Body.Read(buf); err != nil {
			return
		}
	}
}
