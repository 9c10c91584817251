// Package azure is a lake in Azure Data Lake Storage Gen2, or in any container of Azure Blob Storage.
//
// Objects are read and written through the Blob endpoint, which accounts with and without a
// hierarchical namespace have alike. PutNew is a write with "If-None-Match: *", PutMatch one with
// "If-Match"; every write carries a token in its metadata, by which a writer whose answer was lost
// finds out whether it has won (put.go). Objects above one block are staged block by block and
// appear with the commit of the block list.
//
// In an account with a hierarchical namespace folders are things of their own: they are listed
// before what is in them, stay when they are emptied, and are in the way of an object of their
// name. folder.go and list.go make them mere parts of names again.
package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/filesystem"

	"lakelink"
	"lakelink/internal/lake"
)

// Options are what an address does not tell. The zero value of each field has a meaning.
type Options struct {
	// SignIn is how to sign in; where empty, what is given decides, and a managed identity is used
	// where nothing is.
	SignIn SignIn

	// References, as Resolve takes them. They are resolved when the lake is opened.
	AccountKey, SAS, ClientSecret lakelink.SecretRef

	TenantID, ClientID string // of the application, or of a user-assigned managed identity
	TokenFile          string // of a workload identity
	Authority          string // that issues tokens; by default Microsoft's public one

	// Resolve fetches the secret that a reference points to.
	Resolve func(lakelink.SecretRef) (string, error)

	// Endpoint replaces https://ACCOUNT.blob.core.windows.net, for an emulator or a private network.
	// An emulator's has the account in its path: http://127.0.0.1:10000/devstoreaccount1.
	Endpoint string

	TryTimeout time.Duration // of one request; by default a minute
	Retries    int           // of one request that may be repeated; by default 4, none where negative
	RetryDelay time.Duration // before the first of them, doubled for each more; by default half a second
	BlockSize  int           // in which large objects are sent; by default 8 MiB

	// Client sends the requests; by default one with bounded timeouts.
	Client *http.Client
}

const (
	defaultTryTimeout = time.Minute
	defaultRetries    = 4
	defaultRetryDelay = 500 * time.Millisecond
	defaultBlockSize  = 8 << 20

	// What the service may ask to wait with Retry-After before the caller is told instead.
	maxRetryDelay = 30 * time.Second
)

// A Lake is a container, or a folder of one.
type Lake struct {
	at        address
	options   Options
	container *container.Client
	files     *filesystem.Client // the DFS endpoint; used for empty folders only
	client    *http.Client
	blocks    sync.Pool // of *[]byte, each of BlockSize

	tree     atomic.Int32 // a namespace
	noPrunes atomic.Bool  // the DFS endpoint cannot be used: empty folders stay
}

// Open opens the lake at an abfss: or https: URL. It sends nothing: that the account is there and lets
// one in shows with the first operation.
func Open(url string, o Options) (*Lake, error) {
	at, err := parse(url, o.Endpoint)
	if err != nil {
		return nil, err
	}
	o = withDefaults(o)
	l := &Lake{at: at, options: o, client: o.Client}
	l.blocks.New = func() any { b := make([]byte, o.BlockSize); return &b }
	if err := l.connect(); err != nil {
		return nil, err
	}
	return l, nil
}

func withDefaults(o Options) Options {
	if o.TryTimeout <= 0 {
		o.TryTimeout = defaultTryTimeout
	}
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	if o.RetryDelay <= 0 {
		o.RetryDelay = defaultRetryDelay
	}
	if o.BlockSize <= 0 {
		o.BlockSize = defaultBlockSize
	}
	if o.Client == nil {
		o.Client = newClient(o.TryTimeout)
	}
	return o
}

// URL is the lake's address, with the DFS endpoint's host, as Spark and Synapse write it.
func (l *Lake) URL() string { return l.at.String() }

// Close gives idle connections back.
func (l *Lake) Close() error {
	l.client.CloseIdleConnections()
	return nil
}

// Stat tells about an object.
func (l *Lake) Stat(ctx context.Context, name string) (lakelink.ObjectInfo, error) {
	if err := l.ready(ctx, "stat", name); err != nil {
		return lakelink.ObjectInfo{}, err
	}
	h, err := l.head(ctx, name)
	if err != nil {
		return lakelink.ObjectInfo{}, l.failure(ctx, "stat", name, err)
	}
	if h.folder {
		return lakelink.ObjectInfo{}, missing("stat", name)
	}
	return h.info, nil
}

// A head is what the service knows of a name.
type head struct {
	info   lakelink.ObjectInfo
	token  string // of the put that wrote it
	folder bool
}

func (l *Lake) head(ctx context.Context, name string) (head, error) {
	p, err := l.blob(name).GetProperties(ctx, nil)
	if err != nil {
		return head{}, err
	}
	return head{
		info:   objectInfo(name, p.ContentLength, p.ETag, p.LastModified),
		token:  value(p.Metadata, metaToken),
		folder: l.isFolder(p.Metadata),
	}, nil
}

// Delete removes an object, and the folders that it leaves empty.
func (l *Lake) Delete(ctx context.Context, name string) error {
	if err := l.ready(ctx, "delete", name); err != nil {
		return err
	}
	_, err := l.blob(name).Delete(ctx, nil)
	if bloberror.HasCode(err, bloberror.SnapshotsPresent) {
		_, err = l.blob(name).Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: ptr(blob.DeleteSnapshotsOptionTypeInclude)})
	}
	switch {
	case err == nil:
		l.prune(ctx, name)
		return nil
	case isMissing(err):
		return nil
	}
	if status(err) == http.StatusConflict { // a folder that is not empty, or an object where a folder should be
		if h, herr := l.head(ctx, name); isMissing(herr) || herr == nil && h.folder {
			return nil
		}
	}
	return l.failure(ctx, "delete", name, err)
}

// ready refuses what need not be tried.
func (l *Lake) ready(ctx context.Context, op, name string) error {
	if err := lake.CheckName(op, name); err != nil {
		return err
	}
	if full := l.at.full(name); len(full) > maxBlobName {
		return &lakelink.Error{Op: op, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%q is longer than the %d bytes that Azure takes", full, maxBlobName), Hint: "put the lake nearer to the container's root"}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, name, err)
	}
	return nil
}

// The longest name of a blob. Azure counts characters, of which there are never more than bytes.
const maxBlobName = 1024

func (l *Lake) blob(name string) *blockblob.Client {
	return l.container.NewBlockBlobClient(l.at.full(name))
}

// hasty is for requests whose failure is nobody's loss.
func (l *Lake) hasty(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1, TryTimeout: min(l.options.TryTimeout, 10*time.Second)})
}

func objectInfo(name string, size *int64, etag *azcore.ETag, modified *time.Time) lakelink.ObjectInfo {
	info := lakelink.ObjectInfo{Name: name}
	if size != nil {
		info.Size = *size
	}
	if etag != nil { // quoted in headers, and not in listings
		info.ETag = strings.Trim(string(*etag), `"`)
	}
	if modified != nil {
		info.ModTime = modified.UTC()
	}
	return info
}

// value finds a key of an object's metadata. Headers come in any case.
func value(metadata map[string]*string, key string) string {
	for k, v := range metadata {
		if v != nil && strings.EqualFold(k, key) {
			return *v
		}
	}
	return ""
}

func missing(op, name string) error {
	return &lakelink.Error{Op: op, Kind: lakelink.KindNotFound, Err: fmt.Errorf("there is no %s", name)}
}

// status is that of the service's answer, or 0 where there was none.
func status(err error) int {
	var re *azcore.ResponseError
	if errors.As(err, &re) {
		return re.StatusCode
	}
	return 0
}

func ptr[T any](v T) *T { return &v }
