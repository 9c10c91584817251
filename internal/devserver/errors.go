package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"lakelink/internal/devserver/store"
)

// Error codes of the platform, as they appear in answers.
const (
	codeArgument        = "0x80040203" // bad value
	codeUnexpected      = "0x80040216"
	codeNotFound        = "0x80040217"
	codeDuplicate       = "0x80040237"
	codeTooLong         = "0x80044331"
	codeExpiredToken    = "0x80044352"
	codePicklist        = "0x8004431a"
	codeStateStatus     = "0x80048408"
	codePayload         = "0x80048d19"
	codeBadRequest      = "0x80060888" // OData: bad query, unknown property
	codeMetadataQuery   = "0x8006088a"
	codeVersionMismatch = "0x80060882"
	codeNotOptimistic   = "0x8006088d"
	codeNotTracked      = "0x80072491"
	codeConditions      = "0x8004430c"
	codeManyRequests    = "0x80072322"
	codeCookie          = "0x80041129"
)

// An apiError is an answer that refuses a request.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func badRequest(format string, args ...any) error {
	return &apiError{http.StatusBadRequest, codeBadRequest, fmt.Sprintf(format, args...)}
}

func notFound(t *store.Table, id store.ID) error {
	return &apiError{http.StatusNotFound, codeNotFound,
		fmt.Sprintf("Entity '%s' With Id = %s Does Not Exist", t.LogicalName, id)}
}

// throttled is a refusal that says when to come back.
type throttled struct {
	apiError
	retryAfter int // seconds
}

// unauthorized is the answer to a request without a good access token.
type unauthorized struct{}

func (unauthorized) Error() string { return "no valid access token" }

// errorResponse turns an error into the answer for the client.
func (r *request) errorResponse(err error) *response {
	res := r.newResponse()
	var slow *throttled
	var api *apiError
	switch {
	case errors.As(err, new(unauthorized)):
		res.status = http.StatusUnauthorized
		res.header.Set("WWW-Authenticate", fmt.Sprintf("Bearer authorization_uri=%s/%s/oauth2/authorize, resource_id=%s/",
			r.root, r.server.options.Tenant, r.root))
		return res
	case errors.As(err, &slow):
		api = &slow.apiError
		res.header.Set("Retry-After", strconv.Itoa(slow.retryAfter))
	case errors.As(err, &api):
	case errors.Is(err, store.ErrNotFound):
		api = &apiError{http.StatusNotFound, codeNotFound, err.Error()}
	default:
		if !errors.Is(err, context.Canceled) {
			slog.Error("local environment", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		api = &apiError{http.StatusInternalServerError, codeUnexpected, "An unexpected error occurred."}
	}
	res.status = api.status
	o := object{{"code", api.code}, {"message", api.message}}
	if r.prefer.annotations.all() {
		o = append(o,
			member{"@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus", "0"},
			member{"@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode", signedCode(api.code)},
			member{"@Microsoft.PowerApps.CDS.HelpLink", "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a" + api.code[2:] + "&client=platform"},
			member{"@Microsoft.PowerApps.CDS.TraceText", api.message},
			member{"@Microsoft.PowerApps.CDS.InnerError.Message", api.message})
	}
	res.json(object{{"error", o}})
	return res
}

// signedCode is an error code as a signed decimal number.
func signedCode(code string) string {
	n, err := strconv.ParseUint(code, 0, 32)
	if err != nil {
		return "0"
	}
	return strconv.Itoa(int(int32(n)))
}
