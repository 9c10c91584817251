package remote_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lakelink"
	"lakelink/internal/lake/remote"
)

func TestPatience(t *testing.T) {
	throttled := func(after time.Duration) error {
		return &lakelink.Error{Kind: lakelink.KindThrottled, After: after}
	}
	for what, tt := range map[string]struct {
		err      error
		tries    int
		min, max time.Duration
	}{
		"transient":                {&lakelink.Error{Kind: lakelink.KindTransient}, 7, 7 * time.Second, 16 * time.Second},
		"throttled":                {throttled(5 * time.Second), 7, 30 * time.Second, 40 * time.Second},
		"throttled for very long":  {throttled(time.Hour), 1, 0, 0},
		"forbidden":                {&lakelink.Error{Kind: lakelink.KindForbidden}, 1, 0, 0},
		"an error of nobody knows": {errors.New("odd"), 1, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, tries := time.Now(), 0
			err := remote.Defaults.Do(t.Context(), 0, func(context.Context) error { tries++; return tt.err })
			if took := time.Since(start); err != tt.err || tries != tt.tries || took < tt.min || took > tt.max {
				t.Errorf("%s: %v after %d tries in %v", what, err, tries, took)
			}
		})
	}
}

func TestHangingTriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context) error {
			<-ctx.Done()
			return remote.NoAnswer(ctx, "put", "x", "the lake", ctx.Err())
		}
		err := remote.Settings{Tries: 2}.OrDefaults().Do(t.Context(), 8<<20, hang)
		if !lakelink.IsKind(err, lakelink.KindUnreachable) || !errors.Is(err, remote.ErrNoAnswer) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := remote.Defaults.Do(ctx, 0, hang); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("the caller's own limit: %v", err)
		}
	})
}

func TestClaimsAreBounded(t *testing.T) {
	claim := ""
	for range 100 {
		claim = remote.Claim(remote.NewToken(), claim)
	}
	if n := len(strings.Fields(claim)); n != 16 || len(claim) > 300 {
		t.Errorf("%d tokens of %d bytes", n, len(claim))
	}
	if remote.Token(claim) != strings.Fields(claim)[0] || remote.Token("") != "" {
		t.Error("the last writer's token is the first")
	}
}
