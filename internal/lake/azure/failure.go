package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"lakelink"
)

// Codes that the SDK has no names for.
const (
	pathNotFound       = "PathNotFound"
	keysAreForbidden   = "KeyBasedAuthenticationNotPermitted"
	immutableContainer = "ContainerImmutableDueToPolicy"
)

// isMissing reports whether the service says that there is no such object. An answer without a code is
// not from Azure Storage, and a container that is not there is another matter: an object may only be
// called missing while the lake is there.
func isMissing(err error) bool {
	return slices.Contains([]string{string(bloberror.BlobNotFound), string(bloberror.ResourceNotFound), pathNotFound}, codeOf(err)) &&
		status(err) == http.StatusNotFound
}

func isTaken(err error) bool {
	return bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ResourceAlreadyExists)
}

// isLeaseOrPolicy reports whether a write was refused for other reasons than its condition.
func isLeaseOrPolicy(err error) bool {
	code := codeOf(err)
	return strings.HasPrefix(code, "Lease") || code == string(bloberror.BlobImmutableDueToPolicy) || code == immutableContainer
}

func codeOf(err error) string {
	var re *azcore.ResponseError
	if errors.As(err, &re) {
		return re.ErrorCode
	}
	return ""
}

// blocked is failure for a put that may have an object where its name has a folder.
func (l *Lake) blocked(ctx context.Context, name string, err error) error {
	if code := status(err); (code == http.StatusConflict || code == http.StatusBadRequest || code == http.StatusNotFound) && !isLeaseOrPolicy(err) {
		if above, aerr := l.objectAbove(ctx, name); aerr == nil && above != "" && l.hasFolders(ctx) {
			return &lakelink.Error{Op: "put", Kind: lakelink.KindInvalid, Code: codeOf(err),
				Err:  fmt.Errorf("%s is an object and cannot be a folder of %s", above, name),
				Hint: "choose another name or remove what is in the way"}
		}
	}
	return l.failure(ctx, "put", name, err)
}

// failure says what an error of the SDK means. Its own text has many lines, and may have a signature
// in it: nothing of it is kept but the status, the code and the request's id.
func (l *Lake) failure(ctx context.Context, op, name string, err error) error {
	if cerr := ctx.Err(); cerr != nil {
		return fmt.Errorf("%s %s: %w", op, name, cerr)
	}
	var known *lakelink.Error
	if errors.As(err, &known) {
		return err
	}
	e := &lakelink.Error{Op: op}
	var re *azcore.ResponseError
	var signIn *azidentity.AuthenticationFailedError
	switch {
	case errors.As(err, &signIn):
		l.signInFailed(e, name, signIn)
	case errors.As(err, &re):
		e.Code, e.Err = re.ErrorCode, fmt.Errorf("%s: %s answered %s", name, l.at.account, answer(re))
		l.judge(e, name, re)
	default:
		l.noAnswer(e, name, err)
	}
	return e
}

// judge decides what an answer of the service means.
func (l *Lake) judge(e *lakelink.Error, name string, re *azcore.ResponseError) {
	code := bloberror.Code(re.ErrorCode)
	where := "container " + l.at.container + " of account " + l.at.account
	role := "give the identity that Lakelink signs in with the role Storage Blob Data Contributor on " + where
	switch {
	case isMissing(re):
		e.Kind, e.Err, e.Code = lakelink.KindNotFound, fmt.Errorf("there is no %s", name), ""
	case code == bloberror.ContainerNotFound, code == bloberror.ContainerBeingDeleted, code == bloberror.ContainerDisabled:
		// Not KindNotFound, which would mean a lake without that object.
		e.Kind, e.Hint = lakelink.KindUnreachable, "create container "+l.at.container+" in account "+l.at.account+", or correct the lake's address"
	case strings.HasPrefix(re.ErrorCode, "Lease"):
		e.Kind, e.Hint = lakelink.KindConflict, "another program holds a lease on it in "+where+": let it finish, or break the lease"
	case code == bloberror.BlobImmutableDueToPolicy, re.ErrorCode == immutableContainer:
		e.Kind, e.Hint = lakelink.KindForbidden, "take the immutability policy or legal hold off "+where+": a lake is rewritten by compaction and retention"
	case code == bloberror.BlobArchived, code == bloberror.BlobBeingRehydrated:
		e.Kind, e.Hint = lakelink.KindForbidden, "rehydrate it from the archive tier, and exempt "+where+" from rules that move blobs there"
	case re.ErrorCode == keysAreForbidden:
		e.Kind, e.Hint = lakelink.KindSignIn, "account "+l.at.account+" does not let account keys in: sign in with an identity instead"
	case code == bloberror.AuthenticationFailed, re.StatusCode == http.StatusUnauthorized:
		e.Kind, e.Hint = lakelink.KindSignIn, l.signInHint()
	case code == bloberror.AuthorizationFailure, code == bloberror.AuthorizationSourceIPMismatch:
		e.Kind, e.Hint = lakelink.KindForbidden, "let this machine through the firewall of account "+l.at.account+" (Networking), or "+role
		if how := l.options.signIn(); how == SignInKey || how == SignInSAS {
			e.Hint = "let this machine through the firewall of account " + l.at.account + " (Networking), or check that the " + string(how) + " opens " + where
		}
	case re.StatusCode == http.StatusForbidden:
		e.Kind, e.Hint = lakelink.KindForbidden, role
		if l.options.signIn() == SignInSAS {
			e.Hint = "give a shared access signature with the permissions racwdl on " + where
		}
	case re.StatusCode == http.StatusTooManyRequests, re.StatusCode == http.StatusServiceUnavailable:
		e.Kind, e.After = lakelink.KindThrottled, retryAfter(re.RawResponse)
	case re.StatusCode >= http.StatusInternalServerError, re.StatusCode == http.StatusRequestTimeout, code == bloberror.InvalidBlockList:
		e.Kind = lakelink.KindTransient // a block list is invalid when another writer of the name has committed
	case re.StatusCode == http.StatusPreconditionFailed, re.StatusCode == http.StatusConflict:
		e.Kind = lakelink.KindConflict
	case re.ErrorCode == "":
		e.Kind, e.Hint = lakelink.KindUnreachable, "make sure that "+l.at.blob+" is a storage account, and that no proxy answers in its place"
	case re.StatusCode == http.StatusBadRequest:
		e.Kind = lakelink.KindInvalid
	}
}

func (l *Lake) signInHint() string {
	switch l.options.signIn() {
	case SignInKey:
		return "check the account key of " + l.at.account + ", which changes when it is rotated, and this machine's clock"
	case SignInSAS:
		return "check when the shared access signature for container " + l.at.container + " of " + l.at.account + " expires, and this machine's clock"
	}
	return "check the tenant and the identity that Lakelink signs in to " + l.at.account + " with"
}

// signInFailed says why there is no token.
func (l *Lake) signInFailed(e *lakelink.Error, name string, err *azidentity.AuthenticationFailedError) {
	e.Kind, e.Hint = lakelink.KindSignIn, "check tenant, client id and secret of the application, and that the secret has not expired"
	if how := l.options.signIn(); how != SignInSecret {
		e.Hint = "check that the " + string(how) + " is set up for this machine, or choose another way to sign in"
	}
	e.Err = fmt.Errorf("%s: sign in to Azure: %w", name, oneLine(err))
	if resp := err.RawResponse; resp != nil {
		switch {
		case resp.StatusCode == http.StatusTooManyRequests:
			e.Kind, e.Hint, e.After = lakelink.KindThrottled, "", retryAfter(resp)
		case resp.StatusCode >= http.StatusInternalServerError:
			e.Kind, e.Hint = lakelink.KindTransient, ""
		}
		e.Err = fmt.Errorf("%s: sign in to Azure: the token service answered %d%s", name, resp.StatusCode, entraCode(err.Error()))
	}
}

// entraCode finds the AADSTS number, which is what one searches for.
func entraCode(text string) string {
	i := strings.Index(text, "AADSTS")
	if i < 0 {
		return ""
	}
	end := i + len("AADSTS")
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return " " + text[i:end]
}

// noAnswer says why there is none.
func (l *Lake) noAnswer(e *lakelink.Error, name string, err error) {
	var lookup *net.DNSError
	switch {
	case strings.Contains(fmt.Sprintf("%T", unwrapAll(err)), "credentialUnavailable"):
		e.Kind, e.Hint = lakelink.KindSignIn, "give an account key, a SAS, a client secret or a workload identity where there is no "+string(l.options.signIn())
	case errors.As(err, &lookup) && lookup.IsNotFound:
		e.Kind, e.Hint = lakelink.KindUnreachable, "check the account's name: there is no "+lookup.Name
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind = lakelink.KindTransient
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind, e.Hint = lakelink.KindUnreachable, "check the network to "+l.at.blob
		err = fmt.Errorf("no answer within %s", l.options.TryTimeout)
	default:
		e.Kind, e.Hint = lakelink.KindUnreachable, "check the network to "+l.at.blob
	}
	e.Err = fmt.Errorf("%s: %w", name, oneLine(err))
}

func unwrapAll(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// oneLine makes an error fit for a log: without the URL, which may hold a signature, and in one line.
func oneLine(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var re *azcore.ResponseError
	if errors.As(err, &re) {
		return errors.New("answered " + answer(re))
	}
	if !strings.Contains(err.Error(), "\n") {
		return err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

// answer describes what the service said.
func answer(re *azcore.ResponseError) string {
	s := strconv.Itoa(re.StatusCode)
	if re.ErrorCode != "" {
		s += " " + re.ErrorCode
	}
	if re.RawResponse != nil {
		if id := re.RawResponse.Header.Get("x-ms-request-id"); id != "" {
			s += ", request " + id
		}
	}
	return s
}

// retryAfter is how long an answer asks to wait.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	if ms, err := strconv.Atoi(resp.Header.Get("x-ms-retry-after-ms")); err == nil && ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	after := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
