package gcs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// A signIn gets tokens with a credentials file, or as Google's programs do: GOOGLE_APPLICATION_CREDENTIALS,
// gcloud's file, or the metadata server of the machine.
type signIn struct {
	ref    lakelink.SecretRef // "": as Google's programs do
	bucket string
	http   *http.Client

	mu     sync.Mutex
	source oauth2.TokenSource // keeps a token for as long as it is good
}

// signInTimeout bounds one request for a token.
const signInTimeout = 30 * time.Second

// token returns one that is good. A token serves all, so it is not bound to the context of whoever
// happens to need it first.
func (s *signIn) token() (*oauth2.Token, error) {
	source, err := s.open()
	if err != nil {
		return nil, err
	}
	token, err := source.Token()
	if err != nil {
		return nil, s.failure(err)
	}
	return token, nil
}

func (s *signIn) open() (oauth2.TokenSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != nil {
		return s.source, nil
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: s.http.Transport, Timeout: signInTimeout})
	var found *google.Credentials
	var err error
	if s.ref != "" {
		found, err = fromReference(ctx, s.ref)
	} else {
		found, err = google.FindDefaultCredentials(ctx, scope)
	}
	if err != nil {
		return nil, s.failure(err)
	}
	s.source = oauth2.ReuseTokenSource(nil, found.TokenSource)
	return s.source, nil
}

// known are the kinds of credentials files that are taken.
var known = []google.CredentialsType{google.ServiceAccount, google.AuthorizedUser, google.ExternalAccount,
	google.ExternalAccountAuthorizedUser, google.ImpersonatedServiceAccount}

func fromReference(ctx context.Context, ref lakelink.SecretRef) (*google.Credentials, error) {
	text, err := remote.Secret(ref)
	if err != nil {
		return nil, err
	}
	var file struct{ Type google.CredentialsType }
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		return nil, errors.New("it is not a credentials file: no JSON") // not err: it may quote a secret
	}
	for _, t := range known {
		if t == file.Type {
			return google.CredentialsFromJSONWithType(ctx, []byte(text), t, scope)
		}
	}
	return nil, errors.New("it is not a credentials file of a kind that is known")
}

func (s *signIn) failure(err error) error {
	var already *lakelink.Error
	if errors.As(err, &already) {
		return already
	}
	e := &lakelink.Error{Op: "sign in to the lake", Kind: lakelink.KindSignIn, Err: fmt.Errorf("no token for bucket %s: %w", s.bucket, oneLine(err))}
	var answer *oauth2.RetrieveError
	switch {
	case errors.As(err, &answer) && answer.Response != nil && (answer.Response.StatusCode >= 500 || answer.Response.StatusCode == http.StatusTooManyRequests):
		e.Kind = lakelink.KindTransient
	case isNetwork(err):
		e.Kind, e.Hint = lakelink.KindUnreachable, "check that Google's token server can be reached from here"
	case s.ref != "":
		e.Hint = "put a service account's key or a workload identity configuration at " + string(s.ref)
	default:
		e.Hint = "set GOOGLE_APPLICATION_CREDENTIALS, give the machine a service account, or add ?credentials=file:PATH to the lake's address"
	}
	return e
}
