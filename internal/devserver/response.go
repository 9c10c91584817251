package devserver

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzip"
)

// A response is a finished answer. Answers are built in memory: a page is bounded, and a slow
// client must not hold a snapshot of the database open.
type response struct {
	status int
	header http.Header
	body   []byte
	pooled *[]byte // where body came from, if it goes back there
}

// pages are buffers for large bodies.
var pages = sync.Pool{New: func() any { b := make([]byte, 0, 1<<20); return &b }}

const jsonType = "application/json; odata.metadata=minimal"

// newResponse returns an answer with the headers that every one has.
func (r *request) newResponse() *response {
	h := http.Header{}
	h.Set("OData-Version", "4.0")
	h.Set("Cache-Control", "no-cache")
	h.Set("Allow", "OPTIONS,GET,HEAD,POST")
	h.Set("x-ms-dop-hint", "14")
	h.Set("x-ms-ratelimit-burst-remaining-xrm-requests", "5999")
	h.Set("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00")
	h.Set("x-ms-service-request-id", r.id)
	h["REQ_ID"] = []string{r.id}
	if len(r.prefer.applied) > 0 {
		h.Set("Preference-Applied", strings.Join(r.prefer.applied, ","))
	}
	return &response{status: http.StatusOK, header: h}
}

// json makes v the body.
func (res *response) json(v any) {
	res.header.Set("Content-Type", jsonType)
	res.body = appendJSON(res.body, v)
}

// text makes s the body.
func (res *response) text(s string) {
	res.header.Set("Content-Type", "text/plain")
	res.body = append(res.body, s...)
}

var gzips = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return w
}}

// gzipFrom is the size from which compressing is worth its while.
const gzipFrom = 1400

// write sends an answer, or as much of it as the fault leaves.
func (s *Server) write(w http.ResponseWriter, r *request, res *response, fault Fault) {
	defer func() {
		if res.pooled != nil {
			*res.pooled = res.body[:0]
			pages.Put(res.pooled)
		}
	}()
	for name, values := range res.header {
		w.Header()[name] = values
	}
	body := res.body
	if fault.CutBody {
		body = body[:len(body)/2]
	}
	if len(body) >= gzipFrom && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		var packed bytes.Buffer
		packed.Grow(len(body) / 4)
		gz := gzips.Get().(*gzip.Writer)
		gz.Reset(&packed)
		gz.Write(body) // to memory: cannot fail
		gz.Close()
		gzips.Put(gz)
		body = packed.Bytes()
	}
	whole := len(body)
	if fault.Reset {
		body = body[:whole/2]
	}
	if res.status != http.StatusNoContent && res.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(whole))
	}
	w.WriteHeader(res.status)
	if r.Method != http.MethodHead {
		w.Write(body) // an error here is the client's going away
	}
	if fault.Reset {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection in the middle of the body
	}
}

func newGUID() string { return uuid.NewString() }
