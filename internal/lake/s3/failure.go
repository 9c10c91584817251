package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/aws/smithy-go"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// errBeyond says that a range starts at or behind an object's end.
var errBeyond = errors.New("the range is behind the object's end")

// codes are S3's own words, and those of the servers that tell more, where the status does not say it.
var codes = map[string]lakelink.Kind{
	"AccessDenied":                lakelink.KindForbidden,
	"AccountProblem":              lakelink.KindForbidden,
	"AllAccessDisabled":           lakelink.KindForbidden,
	"ExpiredToken":                lakelink.KindSignIn,
	"InvalidAccessKeyId":          lakelink.KindSignIn,
	"InvalidToken":                lakelink.KindSignIn,
	"RequestTimeTooSkewed":        lakelink.KindSignIn,
	"SignatureDoesNotMatch":       lakelink.KindSignIn,
	"TokenRefreshRequired":        lakelink.KindSignIn,
	"UnrecognizedClientException": lakelink.KindSignIn,
	"XAdminUserNotFound":          lakelink.KindSignIn,

	"NoSuchKey":    lakelink.KindNotFound,
	"NotFound":     lakelink.KindNotFound,
	"NoSuchBucket": lakelink.KindInvalid,
	"NoSuchUpload": lakelink.KindConflict,

	"ConditionalRequestConflict": lakelink.KindConflict,
	"OperationAborted":           lakelink.KindConflict,
	"PreconditionFailed":         lakelink.KindConflict,

	"ExistingObjectIsDirectory":     lakelink.KindInvalid, // file systems behind S3
	"ObjectParentIsFile":            lakelink.KindInvalid,
	"XMinioParentIsObject":          lakelink.KindInvalid,
	"XMinioObjectExistsAsDirectory": lakelink.KindInvalid,

	"BadDigest":                   lakelink.KindTransient, // changed on its way
	"IncompleteBody":              lakelink.KindTransient,
	"InternalError":               lakelink.KindTransient,
	"RequestTimeout":              lakelink.KindTransient,
	"XAmzContentSHA256Mismatch":   lakelink.KindTransient,
	"XAmzContentChecksumMismatch": lakelink.KindTransient,

	"RequestLimitExceeded": lakelink.KindThrottled,
	"ServiceUnavailable":   lakelink.KindThrottled,
	"SlowDown":             lakelink.KindThrottled,
	"Throttling":           lakelink.KindThrottled,
	"ThrottlingException":  lakelink.KindThrottled,
	"TooManyRequests":      lakelink.KindThrottled,

	"QuotaExceeded":     lakelink.KindFull,
	"XMinioStorageFull": lakelink.KindFull,

	"AuthorizationHeaderMalformed":       lakelink.KindInvalid, // another region's
	"IllegalLocationConstraintException": lakelink.KindInvalid,
	"PermanentRedirect":                  lakelink.KindInvalid,
	"EntityTooLarge":                     lakelink.KindInvalid,
	"NotImplemented":                     lakelink.KindInvalid,
}

// failure says what S3's answer means, or that there was none. right is the permission that the
// request needs. nil stays nil.
func (l *Lake) failure(ctx context.Context, op, name, right string, err error) error {
	if err == nil {
		return nil
	}
	var known *lakelink.Error
	if errors.As(err, &known) {
		return known // a credential that could not be read
	}
	var resp *smithyhttp.ResponseError
	if !errors.As(err, &resp) || resp.HTTPStatusCode() == 0 {
		return l.unanswered(ctx, op, name, err)
	}
	status, code, message := resp.HTTPStatusCode(), "", ""
	var api smithy.APIError
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	if status == http.StatusRequestedRangeNotSatisfiable {
		return fmt.Errorf("get %s: %w", name, errBeyond)
	}
	kind, ok := codes[code]
	if !ok {
		kind = byStatus(status)
	}
	if !ok && kind == lakelink.KindNotFound && code != "" {
		kind = lakelink.KindInvalid // something else than the object is missing
	}
	if message == "" || message == "UnknownError" || strings.Contains(message, "\n") {
		message = http.StatusText(status)
	}
	e := &lakelink.Error{Op: op, Kind: kind, Code: code, Err: fmt.Errorf("%s in bucket %s: %s", l.at.Prefix+name, l.at.Bucket, message)}
	if e.Code == "" {
		e.Code = strconv.Itoa(status)
	}
	if kind == lakelink.KindNotFound {
		e.Err = fmt.Errorf("there is no %s in bucket %s", l.at.Prefix+name, l.at.Bucket)
	}
	if kind == lakelink.KindThrottled {
		e.After = after(resp.Response.Header)
	}
	e.Hint = l.hint(e, right, resp.Response.Header)
	return e
}

func byStatus(status int) lakelink.Kind {
	switch status {
	case http.StatusUnauthorized:
		return lakelink.KindSignIn
	case http.StatusForbidden:
		return lakelink.KindForbidden
	case http.StatusNotFound:
		return lakelink.KindNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return lakelink.KindConflict
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return lakelink.KindThrottled
	case http.StatusInsufficientStorage:
		return lakelink.KindFull
	case http.StatusRequestTimeout:
		return lakelink.KindTransient
	}
	switch {
	case status == http.StatusNotImplemented || status >= 300 && status < 500:
		return lakelink.KindInvalid
	}
	return lakelink.KindTransient // 5xx, and errors that came under a 200
}

func (l *Lake) hint(e *lakelink.Error, right string, h http.Header) string {
	bucket := "arn:aws:s3:::" + l.at.Bucket
	switch {
	case e.Kind == lakelink.KindForbidden:
		if strings.HasPrefix(right, "s3:List") {
			return "grant " + right + " on " + bucket + " to the identity that Lakelink uses"
		}
		hint := "grant " + right + " on " + bucket + "/" + l.at.Prefix + "* to the identity that Lakelink uses"
		if right == "s3:GetObject" {
			hint += ", and s3:ListBucket on " + bucket + ", without which S3 refuses to say that an object is missing"
		}
		return hint
	case e.Code == "RequestTimeTooSkewed":
		return "set this machine's clock"
	case e.Kind == lakelink.KindSignIn:
		return "check the access key, secret and session token that Lakelink uses for bucket " + l.at.Bucket
	case e.Code == "NoSuchBucket":
		return "create the bucket " + l.at.Bucket + " or correct the address of the lake"
	case h.Get("X-Amz-Bucket-Region") != "" && (e.Code == "PermanentRedirect" || e.Code == "AuthorizationHeaderMalformed" || e.Code == "301"):
		return "bucket " + l.at.Bucket + " is in another region: add ?region=" + h.Get("X-Amz-Bucket-Region") + " to the lake's address, or set AWS_REGION"
	case e.Code == "PermanentRedirect", e.Code == "AuthorizationHeaderMalformed", e.Code == "IllegalLocationConstraintException":
		return "add the region of bucket " + l.at.Bucket + " to the lake's address, like ?region=eu-west-1, or set AWS_REGION"
	case e.Kind == lakelink.KindFull:
		return "free space in bucket " + l.at.Bucket + ", or raise its quota"
	case e.Code == "ExistingObjectIsDirectory", strings.Contains(e.Code, "Parent"), e.Code == "XMinioObjectExistsAsDirectory":
		return "choose another name or remove what is in the way"
	}
	return ""
}

func after(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}

// unanswered tells credentials that cannot be had from servers that cannot be reached.
func (l *Lake) unanswered(ctx context.Context, op, name string, err error) error {
	if context.Cause(ctx) == nil && strings.Contains(err.Error(), "get identity: ") {
		return &lakelink.Error{Op: op, Kind: lakelink.KindSignIn, Err: fmt.Errorf("no credentials for bucket %s: %w", l.at.Bucket, oneLine(err)),
			Hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or give the machine a role"}
	}
	return remote.NoAnswer(ctx, op, l.at.Prefix+name+" in bucket "+l.at.Bucket, l.endpoint, oneLine(err))
}

// oneLine keeps the cause of an error that the SDK spreads over several lines.
func oneLine(err error) error {
	if !strings.Contains(err.Error(), "\n") {
		return err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

// hasNoBody reports a failed HEAD, whose answer can only be told by its status.
func hasNoBody(err error) bool {
	var resp *smithyhttp.ResponseError
	return errors.As(err, &resp) && resp.HTTPStatusCode() >= 300 && resp.HTTPStatusCode() < 500
}
