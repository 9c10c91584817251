package dataverse

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lakelink"
)

// A cutError says that an answer ended before its end.
type cutError struct{ why string }

func (e *cutError) Error() string { return e.why }

// errSlow is the cause of a request's own deadline.
var errSlow = errors.New("no answer in time")

// A statusError is an answer that is not a success.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("the environment answered %d %s", e.status, http.StatusText(e.status))
	}
	return e.message
}

// maxErrorBody bounds what is read of an error.
const maxErrorBody = 64 << 10

// A verdict is what an error code means.
type verdict struct {
	kind lakelink.Kind
	hint string
}

const (
	hintURL       = "check the environment's address, such as https://contoso.crm4.dynamics.com"
	hintPrivilege = "give the application user a security role with organization-level Read on the table"
	hintExpired   = "the table is loaded anew"
	hintTracking  = "switch on change tracking for the table"
)

// verdicts holds the codes that have a meaning of their own (Appendix A).
var verdicts = map[string]verdict{
	"0x80040217": {lakelink.KindNotFound, ""},
	"0x80040220": {lakelink.KindForbidden, hintPrivilege},
	"0x80048405": {lakelink.KindForbidden, hintPrivilege},
	"0x80044150": {lakelink.KindTransient, ""},
	"0x80044151": {lakelink.KindTransient, ""},
	"0x80044352": {lakelink.KindExpired, hintExpired},
	"0x80048544": {lakelink.KindThrottled, ""},
	"0x80072321": {lakelink.KindThrottled, ""},
	"0x80072322": {lakelink.KindThrottled, ""},
	"0x80072324": {lakelink.KindThrottled, ""},
	"0x80072326": {lakelink.KindThrottled, ""},
	"0x80072491": {lakelink.KindUntracked, hintTracking},
	"0x80072492": {lakelink.KindUntracked, "switch on change tracking for both tables of the relationship"},
	"0x80072560": {lakelink.KindForbidden, "add an application user for this client id to the environment " +
		"(Power Platform admin center, Settings, Users, Application users) and give it a security role"},
	"0x80095ffc": {lakelink.KindForbidden, "allow this application id in the environment's access policy"},
}

const (
	codeOData   = "0x80060888" // the Web API's code for whatever it does not support
	codeTimeout = "0x80044151"
	codeExpired = "0x80044352"
)

// readFailure turns an answer that is no success into an error. It reads a bounded part of body.
func readFailure(resp *http.Response, body io.Reader) *lakelink.Error {
	raw, readErr := io.ReadAll(io.LimitReader(body, maxErrorBody))
	var answer struct {
		Error struct{ Code, Message string }
	}
	isJSON := json.Unmarshal(raw, &answer) == nil
	cut := readErr != nil || !isJSON && len(raw) < maxErrorBody && bytes.HasPrefix(raw, []byte("{"))
	code := hexCode(answer.Error.Code)
	status := &statusError{resp.StatusCode, oneLine(answer.Error.Message)}
	e := &lakelink.Error{Code: code, After: retryAfter(resp), Err: status}
	if v, ok := verdicts[code]; ok {
		e.Kind, e.Hint = v.kind, v.hint
		return e
	}
	e.Kind, e.Hint = statusVerdict(resp.StatusCode)
	switch {
	case cut && resp.StatusCode >= 400 && e.Kind.Permanent() && e.Kind != lakelink.KindSignIn:
		// What it says was lost on the way; it may be that a token has expired.
		e.Kind, e.Hint, e.Err = lakelink.KindTransient, "", &cutError{status.Error() + ", and its reason was cut off"}
	case code == "" && !isJSON && (e.Kind == lakelink.KindNotFound || resp.StatusCode < 400):
		// Something answers here, but it is no Dataverse environment.
		e.Kind, e.Hint = lakelink.KindUnreachable, hintURL
	case strings.Contains(status.message, "Version stamp associated with the client has expired"):
		e.Kind, e.Hint = lakelink.KindExpired, hintExpired
	case strings.Contains(status.message, "Could not find a property named"):
		e.Kind, e.Hint = lakelink.KindConflict, "the table's columns have changed; its description is read again"
	}
	return e
}

func statusVerdict(status int) (lakelink.Kind, string) {
	switch status {
	case http.StatusUnauthorized:
		return lakelink.KindSignIn, "check that client id, tenant and environment belong together"
	case http.StatusForbidden:
		return lakelink.KindForbidden, hintPrivilege
	case http.StatusNotFound:
		return lakelink.KindNotFound, ""
	case http.StatusGone:
		return lakelink.KindExpired, hintExpired
	case http.StatusTooManyRequests:
		return lakelink.KindThrottled, ""
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return lakelink.KindTransient, ""
	}
	if status < 400 {
		return lakelink.KindUnreachable, hintURL
	}
	return lakelink.KindInvalid, ""
}

// hexCode brings a code into the form 0x80040217; a few paths send the signed decimal, "" or "0x0".
func hexCode(code string) string {
	code = strings.ToLower(strings.TrimSpace(code))
	if n, err := strconv.ParseInt(code, 10, 64); err == nil && n < 0 {
		return fmt.Sprintf("0x%08x", uint32(n))
	}
	if code == "0x0" {
		return ""
	}
	return code
}

// oneLine keeps a message fit for a line of a log.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

// maxRetryAfter bounds what is believed of a Retry-After.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header, in seconds or as a date by the other side's clock; 0 if
// there is none.
func retryAfter(resp *http.Response) time.Duration {
	h := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if h == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(strings.ReplaceAll(h, ",", ""), 64); err == nil {
		if s >= maxRetryAfter.Seconds() {
			return maxRetryAfter
		}
		return max(0, time.Duration(s*float64(time.Second)))
	}
	if t, err := http.ParseTime(h); err == nil {
		now, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		return min(maxRetryAfter, max(0, t.Sub(now)))
	}
	return 0
}

// readingFailure judges an error met while a body was read.
func readingFailure(err error) *lakelink.Error {
	var known *lakelink.Error
	if errors.As(err, &known) {
		return known
	}
	var (
		syntax *syntaxError
		shape  *shapeError
		loss   *lossError
	)
	switch {
	case errors.As(err, &shape):
		return &lakelink.Error{Kind: lakelink.KindConflict, Err: err,
			Hint: "the table's columns have changed; its description is read again"}
	case errors.As(err, &loss):
		return &lakelink.Error{Kind: lakelink.KindInvalid, Err: err,
			Hint: "nothing is rounded in a replica; report this as a defect of Lakelink"}
	case errors.As(err, &syntax):
		return &lakelink.Error{Kind: lakelink.KindTransient, Err: err}
	case errors.Is(err, errPageTooLarge):
		return &lakelink.Error{Kind: lakelink.KindTransient, Err: err}
	}
	return &lakelink.Error{Kind: lakelink.KindTransient, Err: fmt.Errorf("the answer cannot be read to its end: %w", bare(err))}
}

// transportFailure judges an error met before there was an answer. Only what may pass by itself
// within seconds is transient.
func transportFailure(err error) *lakelink.Error {
	var (
		dns       *net.DNSError
		cert      *tls.CertificateVerificationError
		unknown   x509.UnknownAuthorityError
		wrongHost x509.HostnameError
		record    tls.RecordHeaderError
	)
	unreachable := func(hint string) *lakelink.Error {
		return &lakelink.Error{Kind: lakelink.KindUnreachable, Hint: hint, Err: bare(err)}
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return &lakelink.Error{Kind: lakelink.KindUnreachable, Hint: hintURL, Err: fmt.Errorf("there is no host %s", dns.Name)}
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &wrongHost):
		return unreachable("the host's certificate is not trusted; check the address, or add its issuer to the trusted ones")
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return unreachable("the host does not speak TLS; check whether the address starts with https:// or http://")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable("start what should answer there, or " + hintURL)
	}
	return &lakelink.Error{Kind: lakelink.KindTransient, Err: bare(err)}
}

// bare takes the request line that net/http puts around errors off: links are long and say nothing
// to a reader.
func bare(err error) error {
	for {
		u, ok := err.(interface {
			Timeout() bool
			Unwrap() error
		})
		if !ok || u.Unwrap() == nil {
			return err
		}
		if _, net := err.(net.Error); !net {
			return err
		}
		if op, is := err.(*net.OpError); is {
			return where(op)
		}
		err = u.Unwrap()
	}
}

// where says at which address something failed, and how the system calls it.
func where(op *net.OpError) error {
	var call *os.SyscallError
	if op.Addr == nil || !errors.As(op.Err, &call) {
		return op
	}
	return fmt.Errorf("%s: %w", op.Addr, call.Err)
}

// isSlow reports whether the environment took too long: its own time-outs, a gateway's, or ours.
func isSlow(err error) bool {
	var e *lakelink.Error
	var s *statusError
	switch {
	case errors.As(err, &e) && e.Code == codeTimeout:
		return true
	case errors.As(err, &s):
		return s.status == http.StatusGatewayTimeout || s.status == http.StatusRequestTimeout
	}
	return errors.Is(err, errSlow) || errors.Is(err, context.DeadlineExceeded)
}
