package azure

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// newClient is an HTTP client that waits for nothing without bound. The bodies of large objects have no
// bound as a whole; read.go sees to it that they keep coming.
func newClient(timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64, // as many as there may be uploads; the default of 2 would dial all the time
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: timeout,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // ranges are of what is stored
	}}
}

func (l *Lake) clientOptions() policy.ClientOptions {
	return policy.ClientOptions{
		Transport: l.client,
		Telemetry: policy.TelemetryOptions{ApplicationID: "lakelink"},
		Retry: policy.RetryOptions{
			MaxRetries:    int32(l.options.Retries),
			TryTimeout:    l.options.TryTimeout,
			RetryDelay:    l.options.RetryDelay,
			MaxRetryDelay: maxRetryDelay,
		},
		PerRetryPolicies: []policy.Policy{countTries{}},
	}
}

// tries tells how the attempts at one request went.
type tries struct {
	sent    atomic.Int32
	unclear atomic.Int32 // may have taken effect, though no answer said so
}

type triesKey struct{}

// counting makes countTries count the requests that are sent with the returned context.
func counting(ctx context.Context) (context.Context, *tries) {
	t := &tries{}
	return context.WithValue(ctx, triesKey{}, t), t
}

// countTries is called for each attempt, after it was signed and before it is sent.
type countTries struct{}

func (countTries) Do(req *policy.Request) (*http.Response, error) {
	t, _ := req.Raw().Context().Value(triesKey{}).(*tries)
	resp, err := req.Next()
	if t != nil {
		t.sent.Add(1)
		if err != nil || resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusRequestTimeout {
			t.unclear.Add(1)
		}
	}
	return resp, err
}
