package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"lakelink"
)

var (
	errCrossSite = errors.New("the call comes from a page of another site")
	errOtherName = errors.New("the call names another machine than this one")
	errNoToken   = errors.New("no token, or a wrong one")
)

// An ErrorDocument is the body of every answer that is not a success (RFC 9457).
type ErrorDocument struct {
	Title  string             `json:"title"`
	Status int                `json:"status"`
	Detail string             `json:"detail"`
	Kind   lakelink.Kind      `json:"kind,omitempty" doc:"what sort of failure it is"`
	Code   string             `json:"code,omitempty" doc:"the other side's own code"`
	Hint   string             `json:"hint,omitempty" doc:"what you can do"`
	Table  lakelink.TableName `json:"table,omitempty"`
}

// Error is the one line that a user reads.
func (p *ErrorDocument) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *ErrorDocument) GetStatus() int { return p.Status }

// ContentType makes it a problem document.
func (p *ErrorDocument) ContentType(string) string { return "application/problem+json" }

// problem turns an error of the service into an answer.
func problem(err error) *ErrorDocument {
	if err == nil {
		return nil
	}
	d := lakelink.ProblemOf(err, lakelink.Activity{}.Time)
	p := &ErrorDocument{Detail: err.Error(), Kind: d.Kind, Code: d.Code, Hint: d.Hint, Status: statusOf(d.Kind)}
	var e *lakelink.Error
	if errors.As(err, &e) {
		p.Table = e.Table
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func statusOf(k lakelink.Kind) int {
	switch k {
	case lakelink.KindInvalid, lakelink.KindUntracked:
		return http.StatusUnprocessableEntity
	case lakelink.KindNotFound:
		return http.StatusNotFound
	case lakelink.KindExists, lakelink.KindConflict, lakelink.KindOwned:
		return http.StatusConflict
	case lakelink.KindForbidden:
		return http.StatusForbidden
	case lakelink.KindSignIn:
		return http.StatusUnauthorized
	case lakelink.KindUnreachable:
		return http.StatusBadGateway
	case lakelink.KindThrottled, lakelink.KindTransient:
		return http.StatusServiceUnavailable
	case lakelink.KindFull:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

func init() {
	// huma's own findings, such as a missing member, come in the same form as ours.
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := &ErrorDocument{Title: http.StatusText(status), Status: status, Detail: msg}
		if status < 500 {
			p.Kind = lakelink.KindInvalid
		}
		for _, e := range errs {
			if e != nil {
				p.Detail += "; " + e.Error()
			}
		}
		return p
	}
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, err error) {
	p := problem(err)
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the caller is gone
}
