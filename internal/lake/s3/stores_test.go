//go:build stores

package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lakelink"
	"lakelink/internal/lake/laketest"
	"lakelink/internal/lake/remote"
)

// TestStore runs the contract against versitygw, once that has shown that its word can be trusted.
func TestStore(t *testing.T) {
	endpoint := startVersity(t)
	raw := rawClient(endpoint)
	if !t.Run("Judge", func(t *testing.T) { judge(t, raw) }) {
		t.Fatal("the server is no judge")
	}
	t.Run("Contract", func(t *testing.T) {
		laketest.Run(t, func(t *testing.T) lakelink.Lake { return newStore(t, raw, endpoint) })
	})
	t.Run("ContractInPages", func(t *testing.T) {
		laketest.Run(t, func(t *testing.T) lakelink.Lake {
			l := newStore(t, raw, endpoint)
			l.page = 2
			return l
		})
	})
	t.Run("Probe", func(t *testing.T) {
		l := newStore(t, raw, endpoint)
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantEmpty(t, l, raw)
	})
	t.Run("LargeObjects", func(t *testing.T) { testLarge(t, newStore(t, raw, endpoint), raw) })
	t.Run("LargeRace", func(t *testing.T) { testLargeRace(t, newStore(t, raw, endpoint), raw) })
	t.Run("Sweep", func(t *testing.T) { testSweep(t, newStore(t, raw, endpoint), raw) })
	t.Run("Failures", func(t *testing.T) { testStoreFailures(t, endpoint) })
}

func startVersity(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("VERSITYGW")
	if bin == "" {
		t.Fatal("VERSITYGW does not name the program: run `make test-stores`")
	}
	dir, err := os.MkdirTemp("", "versitygw") // on a file system with extended attributes
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	log, err := os.Create(filepath.Join(t.TempDir(), "versitygw.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "--quiet", "--access", "lake", "--secret", "secret", "--port", address, "posix", dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	for range 100 {
		if resp, err := http.Get("http://" + address); err == nil {
			resp.Body.Close()
			return "http://" + address
		}
		time.Sleep(50 * time.Millisecond)
	}
	data, _ := os.ReadFile(log.Name())
	t.Fatalf("versitygw did not start: %s", data)
	return ""
}

func rawClient(endpoint string) *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("lake", "secret", ""), Retryer: aws.NopRetryer{}})
}

var bucketNumber atomic.Int64

func newBucket(t *testing.T, raw *s3.Client) string {
	t.Helper()
	bucket := fmt.Sprintf("bucket-%d", bucketNumber.Add(1))
	if _, err := raw.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return bucket
}

func newStore(t *testing.T, raw *s3.Client, endpoint string) *Lake {
	t.Helper()
	t.Setenv("LAKE_ACCESS", "lake")
	t.Setenv("LAKE_SECRET", "secret")
	l, err := Open("s3://" + newBucket(t, raw) + "/some/folder?endpoint=" + endpoint + "&access-key=env:LAKE_ACCESS&secret-key=env:LAKE_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// judge asks the server itself, with nothing of ours in between.
func judge(t *testing.T, raw *s3.Client) {
	bucket := newBucket(t, raw)
	refused := func(err error) (bool, error) {
		var resp *smithyhttp.ResponseError
		if errors.As(err, &resp) && (resp.HTTPStatusCode() == 412 || resp.HTTPStatusCode() == 409) {
			return false, nil
		}
		return err == nil, err
	}
	get := func(key string) ([]byte, error) {
		out, err := raw.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return nil, err
		}
		defer out.Body.Close()
		return io.ReadAll(out.Body)
	}
	laketest.Judge(t, 200, 50, func(ctx context.Context, key string, body []byte) (bool, error) {
		_, err := raw.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), IfNoneMatch: aws.String("*")})
		return refused(err)
	}, get)
	laketest.Judge(t, 10, 20, func(ctx context.Context, key string, body []byte) (bool, error) {
		key += ".parts"
		up, err := raw.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			return false, err
		}
		part, err := raw.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: up.UploadId, PartNumber: aws.Int32(1),
			Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			return false, err
		}
		_, err = raw.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: up.UploadId, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}}}})
		return refused(err)
	}, func(key string) ([]byte, error) { return get(key + ".parts") })
}

// wantEmpty: nothing in the bucket, not even an upload.
func wantEmpty(t *testing.T, l *Lake, raw *s3.Client) {
	t.Helper()
	for info, err := range l.List(t.Context(), "", false) {
		t.Errorf("left behind: %s %v", info.Name, err)
	}
	wantNoUploads(t, l, raw)
}

func wantNoUploads(t *testing.T, l *Lake, raw *s3.Client) {
	t.Helper()
	out, err := raw.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &l.at.Bucket})
	if err != nil || len(out.Uploads) != 0 {
		t.Errorf("%d uploads left, %v", len(out.Uploads), err)
	}
}

// pattern yields n bytes that tell their place.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i) + seed
	}
	return b
}

func testLarge(t *testing.T, l *Lake, raw *s3.Client) {
	for _, size := range []int{partBytes - 1, partBytes, partBytes + 1, 3*partBytes + 7} {
		data := pattern(size, 1)
		info, err := l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, got, err := l.Get(t.Context(), "large")
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(back, data) || got.ETag != info.ETag || got.Size != int64(size) || info.Size != got.Size {
			t.Fatalf("%d bytes: got %d, put %+v, get %+v, %v", size, len(back), info, got, err)
		}
		_, err = l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindExists) {
			t.Errorf("PutNew again: %v", err)
		}
		_, err = l.PutMatch(t.Context(), "large", info.ETag+"x", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("PutMatch of another: %v", err)
		}
		if _, err = l.PutMatch(t.Context(), "large", info.ETag, bytes.NewReader(pattern(size, 2))); err != nil {
			t.Errorf("PutMatch: %v", err)
		}
		_, err = l.Put(t.Context(), "large", io.MultiReader(bytes.NewReader(data), bytes.NewReader(data), brokenReader{}))
		if !errors.Is(err, errBroken) {
			t.Errorf("Put of a failing reader: %v", err)
		}
		wantNoUploads(t, l, raw)
		if err := l.Delete(t.Context(), "large"); err != nil {
			t.Fatal(err)
		}
	}
	wantEmpty(t, l, raw)
}

func testLargeRace(t *testing.T, l *Lake, raw *s3.Client) {
	l.part = 5 << 20
	laketest.Judge(t, 3, 6, func(ctx context.Context, name string, body []byte) (bool, error) {
		_, err := l.PutNew(ctx, name, bytes.NewReader(bytes.Repeat(body, 1+(6<<20)/len(body))))
		if lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindConflict) {
			return false, nil
		}
		return err == nil, err
	}, func(name string) ([]byte, error) {
		r, _, err := l.Get(t.Context(), name)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	})
	wantNoUploads(t, l, raw)
}

func testSweep(t *testing.T, l *Lake, raw *s3.Client) {
	start := func(key string) {
		if _, err := raw.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &l.at.Bucket, Key: &key}); err != nil {
			t.Fatal(err)
		}
	}
	start(l.at.Prefix + "a+b c/ü.parquet")
	start("elsewhere")
	if err := l.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		out, err := raw.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &l.at.Bucket})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Uploads)
	}
	if n := count(); n != 2 {
		t.Errorf("%d uploads after sweeping old ones only", n)
	}
	if err := l.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("%d uploads after sweeping the folder, want the one elsewhere", n)
	}
}

func testStoreFailures(t *testing.T, endpoint string) {
	t.Setenv("LAKE_ACCESS", "lake")
	t.Setenv("LAKE_SECRET", "secret")
	t.Setenv("WRONG", "wrong")
	for _, tt := range []struct {
		query string
		kind  lakelink.Kind
		want  string
	}{
		{"&access-key=env:LAKE_ACCESS&secret-key=env:LAKE_SECRET", lakelink.KindInvalid, "create the bucket no-such-bucket"},
		{"&access-key=env:LAKE_ACCESS&secret-key=env:WRONG", lakelink.KindSignIn, "check the access key"},
		{"&access-key=env:WRONG&secret-key=env:LAKE_SECRET", lakelink.KindSignIn, "check the access key"},
	} {
		l, err := Open("s3://no-such-bucket/x?endpoint=" + endpoint + tt.query)
		if err != nil {
			t.Fatal(err)
		}
		l.settings = remote.Settings{Tries: 2, Wait: time.Millisecond}.OrDefaults()
		_, put := l.PutNew(t.Context(), "a", strings.NewReader("x"))
		_, stat := l.Stat(t.Context(), "a")
		for what, err := range map[string]error{"put": put, "stat": stat, "delete": l.Delete(t.Context(), "a"), "probe": l.Probe(t.Context())} {
			if !lakelink.IsKind(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s and %q", what, err, tt.kind, tt.want)
			}
		}
	}
}
