package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/config"
)

func TestLinkOfTheConfigurationWhoseEnvironmentHangsHoldsNothingUp(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes calls and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	cfg := config.Default()
	cfg.Addr, cfg.Data = "127.0.0.1:0", t.TempDir()
	cfg.Links = []lakelink.Link{{Name: "hung", Lake: "file://" + t.TempDir(), Tables: []lakelink.TableName{"account"},
		Formats: []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(time.Minute),
		Environment: lakelink.EnvironmentRef{URL: "http://" + mute.Addr().String(), ClientID: "c", ClientSecret: "env:HOME"}}}
	s, err := openService(t.Context(), cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := api.NewClient(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	soon, cancelSoon := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancelSoon()
	if err := c.Ready(soon); err != nil {
		t.Errorf("the service is not ready: %v", err)
	}
	if err := c.DeleteLink(soon, "other", false); err == nil || soon.Err() != nil {
		t.Errorf("deleting another link: %v, %v", err, soon.Err())
	}
}

func TestDriftNamesEveryColumnThatChanged(t *testing.T) {
	from := &lakelink.Table{Columns: []lakelink.Column{{Name: "a", Type: lakelink.TypeString}, {Name: "b", Type: lakelink.TypeInteger}}}
	to := &lakelink.Table{Columns: []lakelink.Column{{Name: "b", Type: lakelink.TypeBigInt}, {Name: "c", Type: lakelink.TypeString}}}
	want := "column b became BigInt, and was Integer; column c was added; rows from before show it once they change, " +
		"or after a resync; column a went away; it stays in the lake, empty from now on"
	if got := drift(from, to); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := drift(from, from); got != "" {
		t.Errorf("no change is told as %q", got)
	}
}
