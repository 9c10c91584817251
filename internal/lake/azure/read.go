package azure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"lakelink"
	"lakelink/internal/lake"
)

const (
	// eager is the size up to which an object is read at once, so that what was opened stays readable
	// when it is replaced or deleted. Larger objects are data files, which nobody replaces.
	eager = 1 << 20

	// readTries bounds how often an object may be replaced while it is read at once.
	readTries = 4

	toEnd = 0 // as a range's count
)

// Get opens a whole object.
func (l *Lake) Get(ctx context.Context, name string) (io.ReadCloser, lakelink.ObjectInfo, error) {
	return l.open(ctx, name, 0, toEnd)
}

// GetRange opens n bytes from off.
func (l *Lake) GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := lake.CheckRange("get", name, off, n); err != nil {
		return nil, err
	}
	if n == 0 { // which no range can say
		_, err := l.Stat(ctx, name)
		return io.NopCloser(bytes.NewReader(nil)), err
	}
	if off+n < off {
		n = toEnd
	}
	r, _, err := l.open(ctx, name, off, n)
	return r, err
}

func (l *Lake) open(ctx context.Context, name string, off, n int64) (io.ReadCloser, lakelink.ObjectInfo, error) {
	if err := l.ready(ctx, "get", name); err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	var err error
	for range readTries {
		var b *body
		if b, err = l.download(ctx, name, off, n); err != nil {
			return nil, lakelink.ObjectInfo{}, err
		}
		if b.left > eager {
			return b, b.info, nil
		}
		var data []byte
		data, err = io.ReadAll(b)
		b.Close()
		if err == nil {
			return io.NopCloser(bytes.NewReader(data)), b.info, nil
		}
		if !lakelink.IsKind(err, lakelink.KindConflict) {
			break
		}
	}
	return nil, lakelink.ObjectInfo{}, err
}

// download begins to read. The attempt as a whole has no time limit, as reading takes as long as the
// reader likes; the service's answer has one, and so has each read.
func (l *Lake) download(ctx context.Context, name string, off, n int64) (*body, error) {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: int32(l.options.Retries), RetryDelay: l.options.RetryDelay, MaxRetryDelay: maxRetryDelay})
	resp, err := l.blob(name).DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: off, Count: n}})
	if status(err) == http.StatusRequestedRangeNotSatisfiable { // it begins at the end, or in a folder, which is empty
		if _, err := l.Stat(ctx, name); err != nil {
			return nil, err
		}
		return &body{ReadCloser: io.NopCloser(bytes.NewReader(nil)), lake: l, ctx: ctx, name: name}, nil
	}
	if err != nil {
		return nil, l.failure(ctx, "get", name, err)
	}
	if l.isFolder(resp.Metadata) {
		resp.Body.Close()
		return nil, missing("get", name)
	}
	if resp.ContentLength == nil {
		resp.Body.Close()
		return nil, &lakelink.Error{Op: "get", Kind: lakelink.KindUnreachable,
			Err: fmt.Errorf("%s: the answer does not say how long it is, so it is not from Azure Storage", name), Hint: "let the proxy pass answers on unchanged"}
	}
	return &body{
		ReadCloser: resp.NewRetryReader(ctx, &blob.RetryReaderOptions{MaxRetries: int32(max(l.options.Retries, 1))}),
		lake:       l, ctx: ctx, name: name, left: *resp.ContentLength,
		info: objectInfo(name, resp.ContentLength, resp.ETag, resp.LastModified),
	}, nil
}

// A body reads on over lost connections, as long as the object is the one that was opened.
type body struct {
	io.ReadCloser // a *blob.RetryReader
	lake          *Lake
	ctx           context.Context
	name          string
	info          lakelink.ObjectInfo
	left          int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	// Closing what is being read makes the reader inside open it anew.
	stalled := time.AfterFunc(b.lake.options.TryTimeout, func() { b.ReadCloser.Close() })
	n, err := b.ReadCloser.Read(p)
	stalled.Stop()
	b.left -= int64(n)
	switch {
	case err == io.EOF && b.left > 0:
		return n, &lakelink.Error{Op: "get", Kind: lakelink.KindTransient, Err: fmt.Errorf("%s: %w", b.name, io.ErrUnexpectedEOF)}
	case err == nil || err == io.EOF:
		return n, err
	case status(err) == http.StatusPreconditionFailed || isMissing(err):
		return n, &lakelink.Error{Op: "get", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was replaced or deleted while it was read", b.name)}
	}
	return n, b.lake.failure(b.ctx, "get", b.name, err)
}
