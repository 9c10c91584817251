package azure

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"lakelink"
	"lakelink/internal/lake"
)

// metaToken is the key of the metadata that says which put wrote an object. Azure takes only names that
// would do in C#, so there is no hyphen in it.
const metaToken = "lakelink_put"

const (
	// inFlight bounds the blocks of one put that are on their way. With the one being filled, a put
	// holds at most inFlight+1 blocks in memory: 32 MiB by default.
	inFlight = 3

	// maxBlocks is what Azure takes for one blob.
	maxBlocks = 50_000
)

// A condition is what must hold for a put to take effect.
type condition struct {
	absent bool   // there is no object of that name
	etag   string // it has this ETag
}

func (c condition) access() *blob.AccessConditions {
	m := &blob.ModifiedAccessConditions{}
	switch {
	case c.absent:
		m.IfNoneMatch = ptr(azcore.ETagAny)
	case c.etag != "":
		m.IfMatch = ptr(azcore.ETag(`"` + c.etag + `"`))
	}
	return &blob.AccessConditions{ModifiedAccessConditions: m}
}

// Put writes or replaces an object.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, condition{})
}

// PutNew writes an object that is not there yet.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, name, r, condition{absent: true})
}

// PutMatch replaces an object that still has that ETag.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	if err := l.ready(ctx, "put", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	if etag == "" {
		return lakelink.ObjectInfo{}, changed(name)
	}
	return l.put(ctx, name, r, condition{etag: etag})
}

// put reads the first block. What fits into it is sent in one request, which the service takes whole or
// not at all; more is staged block by block, invisible to anyone, and appears with the commit of the
// list of blocks. Blocks that are never committed are discarded by the service after a week.
func (l *Lake) put(ctx context.Context, name string, r io.Reader, c condition) (lakelink.ObjectInfo, error) {
	if err := l.ready(ctx, "put", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	w := &writer{lake: l, name: name, condition: c, token: rand.Text()}
	r = lake.Reader(ctx, r)
	small, err := readSmall(r, l.options.BlockSize)
	if err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", name, err)
	}
	if len(small) < smallSize(l.options.BlockSize) {
		return w.whole(ctx, small)
	}
	return w.blocks(ctx, io.MultiReader(bytes.NewReader(small), r))
}

// smallSize is how much is read before a whole block is set aside: most objects are commits and
// manifests of a few kilobytes.
func smallSize(block int) int { return min(block, 256<<10) }

// readSmall reads up to smallSize bytes. Fewer are the whole object.
func readSmall(r io.Reader, block int) ([]byte, error) {
	var buf bytes.Buffer
	_, err := io.CopyN(&buf, r, int64(smallSize(block)))
	if err == io.EOF {
		err = nil
	}
	return buf.Bytes(), err
}

// A writer carries out one put.
type writer struct {
	lake      *Lake
	name      string
	condition condition
	token     string
	sent      int64
	before    string // the ETag when the first block was sent; only of an unconditional put in blocks
}

func (w *writer) metadata() map[string]*string { return map[string]*string{metaToken: &w.token} }

// headers say what every object is to those who do not look at its name.
var headers = &blob.HTTPHeaders{BlobContentType: ptr("application/octet-stream")}

// whole sends an object in one request.
func (w *writer) whole(ctx context.Context, data []byte) (lakelink.ObjectInfo, error) {
	w.sent = int64(len(data))
	return w.decide(ctx, func(ctx context.Context) (lakelink.ObjectInfo, error) {
		out := newOutgoing(data)
		defer out.Release()
		resp, err := w.lake.blob(w.name).Upload(ctx, out, &blockblob.UploadOptions{
			Metadata: w.metadata(), HTTPHeaders: headers, AccessConditions: w.condition.access(), TransactionalValidation: checksum(data)})
		return objectInfo(w.name, &w.sent, resp.ETag, resp.LastModified), err
	})
}

// blocks stages an object and commits it.
func (w *writer) blocks(ctx context.Context, r io.Reader) (lakelink.ObjectInfo, error) {
	ids, last, err := w.stage(ctx, r)
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	if ids == nil { // it was no more than a block
		defer w.lake.blocks.Put(last.buffer)
		return w.whole(ctx, last.data)
	}
	if err := ctx.Err(); err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", w.name, err)
	}
	return w.decide(ctx, func(ctx context.Context) (lakelink.ObjectInfo, error) {
		resp, err := w.lake.blob(w.name).CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
			Metadata: w.metadata(), HTTPHeaders: headers, AccessConditions: w.condition.access()})
		return objectInfo(w.name, &w.sent, resp.ETag, resp.LastModified), err
	})
}

// A block is a part of an object, in a buffer of the lake's pool.
type block struct {
	buffer *[]byte
	data   []byte
	end    bool // nothing comes after it
}

// read fills a block.
func (w *writer) read(r io.Reader) (block, error) {
	b := block{buffer: w.lake.blocks.Get().(*[]byte)}
	n, err := io.ReadFull(r, *b.buffer)
	b.data = (*b.buffer)[:n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		b.end, err = true, nil
	}
	if err != nil {
		w.lake.blocks.Put(b.buffer)
		return block{}, fmt.Errorf("put %s: %w", w.name, err)
	}
	return b, nil
}

// stage sends blocks as they are read. It returns their ids, or, where the first one is also the last,
// that block instead.
func (w *writer) stage(ctx context.Context, r io.Reader) ([]string, block, error) {
	first, err := w.read(r)
	if err != nil || first.end {
		return nil, first, err
	}
	if w.condition == (condition{}) {
		h, err := w.lake.head(ctx, w.name)
		if err != nil && !isMissing(err) {
			return nil, block{}, w.lake.blocked(ctx, w.name, err)
		}
		w.before = h.info.ETag
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		ids     []string
		sending sync.WaitGroup
		places  = make(chan struct{}, inFlight)
	)
	defer sending.Wait()
	b := first
	for {
		if len(ids) == maxBlocks {
			cancel(nil)
			return nil, block{}, &lakelink.Error{Op: "put", Kind: lakelink.KindInvalid,
				Err: fmt.Errorf("%s is larger than %d blocks of %d bytes", w.name, maxBlocks, w.lake.options.BlockSize), Hint: "write smaller files"}
		}
		if len(b.data) > 0 {
			id := w.blockID(len(ids))
			ids = append(ids, id)
			w.sent += int64(len(b.data))
			places <- struct{}{}
			buffer, data := b.buffer, b.data
			sending.Go(func() {
				defer func() { w.lake.blocks.Put(buffer); <-places }()
				if err := w.send(ctx, id, data); err != nil {
					cancel(err)
				}
			})
		}
		if b.end {
			break
		}
		if b, err = w.read(r); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			cancel(err)
			return nil, block{}, err
		}
		if ctx.Err() != nil { // a block could not be sent
			w.lake.blocks.Put(b.buffer)
			break
		}
	}
	sending.Wait()
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
			cause = fmt.Errorf("put %s: %w", w.name, cause)
		}
		return nil, block{}, cause
	}
	return ids, block{}, nil
}

// send stages one block. Doing so twice is no harm.
func (w *writer) send(ctx context.Context, id string, data []byte) error {
	once := func() error {
		out := newOutgoing(data)
		defer out.Release()
		_, err := w.lake.blob(w.name).StageBlock(ctx, id, out, &blockblob.StageBlockOptions{TransactionalValidation: checksum(data)})
		return err
	}
	err := once()
	if status(err) == http.StatusConflict && !isLeaseOrPolicy(err) {
		cleared, cerr := w.lake.clear(ctx, w.name)
		if cerr != nil {
			return cerr
		}
		if cleared {
			err = once()
		}
	}
	if err != nil {
		return w.lake.blocked(ctx, w.name, err)
	}
	return nil
}

// blockID is another one for each put, so that two that write one name at a time do not mix their
// blocks. All ids of a blob must be of one length.
func (w *writer) blockID(i int) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32([]byte(w.token), uint32(i)))
}

// checksum makes the service refuse a body that changed on its way. The polynomial is Azure's own.
func checksum(data []byte) blob.TransferValidationType {
	return blob.TransferValidationTypeCRC64(crc64.Checksum(data, azureCRC))
}

var azureCRC = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// An outgoing is the body of a request. The transport may hold on to it after the request has failed;
// once it is released nothing is read from the buffer any more, so that the buffer can be used again.
type outgoing struct {
	mu       sync.Mutex
	r        *bytes.Reader
	released bool
}

func newOutgoing(data []byte) *outgoing { return &outgoing{r: bytes.NewReader(data)} }

func (o *outgoing) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.released {
		return 0, io.ErrClosedPipe
	}
	return o.r.Read(p)
}

func (o *outgoing) Seek(off int64, whence int) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.r.Seek(off, whence)
}

func (o *outgoing) Close() error { return nil } // it is sent again

func (o *outgoing) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.released = true
}

// decide sends the request by which an object appears, and finds out what came of it.
func (w *writer) decide(ctx context.Context, send func(context.Context) (lakelink.ObjectInfo, error)) (lakelink.ObjectInfo, error) {
	for cleared := false; ; cleared = true {
		counted, t := counting(ctx)
		info, err := send(counted)
		if err == nil {
			return info, nil
		}
		info, again, err := w.settle(ctx, err, t.unclear.Load() > 0)
		if !again || cleared {
			return info, err
		}
	}
}

// settle says what a failed request has done. An attempt is unclear when it may have taken effect
// without an answer: the SDK then sends the request again, and a condition that our own first attempt
// has broken looks like somebody else's win. The object itself tells: it carries the token of the
// put that wrote it. Again means that what was in the way is not any more.
func (w *writer) settle(ctx context.Context, err error, unclear bool) (info lakelink.ObjectInfo, again bool, _ error) {
	if ctx.Err() != nil {
		return lakelink.ObjectInfo{}, false, w.lake.failure(ctx, "put", w.name, err)
	}
	code := status(err)
	refused := code == http.StatusConflict || code == http.StatusPreconditionFailed || bloberror.HasCode(err, bloberror.InvalidBlockList)
	missed := w.condition.etag != "" && isMissing(err)
	if !unclear && !refused && !missed {
		return lakelink.ObjectInfo{}, false, w.lake.failure(ctx, "put", w.name, err)
	}
	if isLeaseOrPolicy(err) {
		return lakelink.ObjectInfo{}, false, w.lake.failure(ctx, "put", w.name, err)
	}
	h, herr := w.lake.head(ctx, w.name)
	switch {
	case herr == nil && h.token == w.token:
		return h.info, false, nil
	case herr == nil && h.folder:
		cleared, cerr := w.lake.clear(ctx, w.name)
		if cerr == nil && !cleared {
			cerr = w.lake.failure(ctx, "put", w.name, err)
		}
		return lakelink.ObjectInfo{}, cleared, cerr
	case herr == nil && w.condition.absent:
		return lakelink.ObjectInfo{}, false, taken(w.name)
	case herr == nil && w.condition == (condition{}) && bloberror.HasCode(err, bloberror.InvalidBlockList) && h.info.ETag != w.before:
		// Another put of the name has replaced the object since our first block was sent, which discards
		// the blocks of all others. That is as if ours had come first: nothing of it can be seen any more,
		// and the ETag that it would have had matches nothing.
		return lakelink.ObjectInfo{Name: w.name, Size: w.sent, ETag: "replaced-" + w.token, ModTime: h.info.ModTime}, false, nil
	case isMissing(herr) && w.condition.absent && isTaken(err) && !unclear:
		return lakelink.ObjectInfo{}, false, taken(w.name) // and has been deleted since
	case (herr == nil || isMissing(herr)) && w.condition.etag != "" && h.info.ETag != w.condition.etag && (refused || missed) && !unclear:
		return lakelink.ObjectInfo{}, false, changed(w.name)
	case herr == nil && w.condition.etag != "" && h.info.ETag != w.condition.etag, isMissing(herr) && refused && unclear:
		return lakelink.ObjectInfo{}, false, &lakelink.Error{Op: "put", Kind: lakelink.KindTransient,
			Err: fmt.Errorf("%s was written or deleted by somebody else while the answer to our own write was lost; which came first cannot be told", w.name)}
	}
	return lakelink.ObjectInfo{}, false, w.lake.blocked(ctx, w.name, err)
}

func taken(name string) error {
	return &lakelink.Error{Op: "put", Kind: lakelink.KindExists, Err: fmt.Errorf("%s is there already", name)}
}

func changed(name string) error {
	return &lakelink.Error{Op: "put", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was changed by somebody else", name)}
}
