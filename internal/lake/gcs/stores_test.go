//go:build stores

package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/lake/laketest"
)

// TestStore runs the contract against fake-gcs-server, once that has shown that its word can be trusted.
// What it cannot judge is judged by the twin (twin_test.go): conditions of delete and get, old
// generations, and a question about a resumable upload, which finishes it there.
func TestStore(t *testing.T) {
	endpoint := startFake(t)
	if !t.Run("Judge", func(t *testing.T) { judge(t, endpoint) }) {
		t.Fatal("the server is no judge")
	}
	t.Run("Contract", func(t *testing.T) {
		laketest.Run(t, func(t *testing.T) lakelink.Lake { return newStore(t, endpoint) })
	})
	t.Run("ContractInChunksAndPages", func(t *testing.T) {
		laketest.Run(t, func(t *testing.T) lakelink.Lake {
			l := newStore(t, endpoint)
			l.chunk, l.page = 256<<10, 2
			return l
		})
	})
	t.Run("Probe", func(t *testing.T) {
		l := newStore(t, endpoint)
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		for info, err := range l.List(t.Context(), "", false) {
			t.Errorf("left behind: %s %v", info.Name, err)
		}
	})
	t.Run("LargeObjects", func(t *testing.T) { testLarge(t, newStore(t, endpoint)) })
	t.Run("NoBucket", func(t *testing.T) {
		l, err := Open("gs://no-such-bucket/x?anonymous=true&endpoint=" + endpoint)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.PutNew(t.Context(), "a", strings.NewReader("x"))
		if !lakelink.IsKind(err, lakelink.KindInvalid) || !strings.Contains(err.Error(), "create the bucket no-such-bucket") {
			t.Errorf("PutNew: %v", err)
		}
	})
}

func startFake(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("FAKE_GCS_SERVER")
	if bin == "" {
		t.Fatal("FAKE_GCS_SERVER does not name the program: run `make test-stores`")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	log, err := os.Create(filepath.Join(t.TempDir(), "fake-gcs-server.log"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(bin, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory",
		"-external-url", "http://"+address, "-public-host", address, "-log-level", "error")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 100 {
		if resp, err := http.Get("http://" + address + "/storage/v1/b?project=p"); err == nil {
			resp.Body.Close()
			return "http://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	data, _ := os.ReadFile(log.Name())
	t.Fatalf("fake-gcs-server did not start: %s", data)
	return ""
}

var bucketNumber atomic.Int64

func newBucket(t *testing.T, endpoint string) string {
	t.Helper()
	bucket := fmt.Sprintf("bucket-%d", bucketNumber.Add(1))
	body, _ := json.Marshal(map[string]string{"name": bucket})
	resp, err := http.Post(endpoint+"/storage/v1/b?project=p", "application/json", bytes.NewReader(body))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("create bucket: %v %v", resp, err)
	}
	resp.Body.Close()
	return bucket
}

func newStore(t *testing.T, endpoint string) *Lake {
	t.Helper()
	l, err := Open("gs://" + newBucket(t, endpoint) + "/some/folder?anonymous=true&endpoint=" + endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// judge asks the server itself, with nothing of ours in between.
func judge(t *testing.T, endpoint string) {
	bucket := newBucket(t, endpoint)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	laketest.Judge(t, 200, 50, func(ctx context.Context, key string, body []byte) (bool, error) {
		resp, err := client.Post(endpoint+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&ifGenerationMatch=0&name="+url.QueryEscape(key),
			"application/octet-stream", bytes.NewReader(body))
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != 200 && resp.StatusCode != 412 {
			return false, fmt.Errorf("status %s", resp.Status)
		}
		return resp.StatusCode == 200, nil
	}, func(key string) ([]byte, error) {
		resp, err := client.Get(endpoint + "/storage/v1/b/" + bucket + "/o/" + url.PathEscape(key) + "?alt=media")
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(resp.Body)
	})
}
