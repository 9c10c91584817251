package azure

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/datalakeerror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/file"

	"lakelink"
)

// The kinds of namespaces an account may have.
const (
	unknown int32 = iota
	flat
	hierarchical
)

// metaFolder is set on the zero-byte blobs by which folders show at the Blob endpoint.
const metaFolder = "hdi_isfolder"

func (l *Lake) isFolder(metadata map[string]*string) bool {
	folder := strings.EqualFold(value(metadata, metaFolder), "true")
	if folder {
		l.tree.Store(hierarchical) // or flat with folders that Hadoop has marked: the same precautions do
	}
	return folder
}

// hasFolders asks, once, what namespace the account has. Where the answer is forbidden the first folder
// that comes along tells.
func (l *Lake) hasFolders(ctx context.Context) bool {
	if tree := l.tree.Load(); tree != unknown {
		return tree == hierarchical
	}
	info, err := l.container.GetAccountInfo(l.hasty(ctx), nil)
	if ctx.Err() != nil {
		return false
	}
	tree := flat
	if err == nil && info.IsHierarchicalNamespaceEnabled != nil && *info.IsHierarchicalNamespaceEnabled {
		tree = hierarchical
	}
	l.tree.CompareAndSwap(unknown, tree)
	return l.tree.Load() == hierarchical
}

// prune removes the folders that a deleted object leaves empty, as far up as they are. It may fail for
// any reason: an empty folder is no harm.
func (l *Lake) prune(ctx context.Context, name string) {
	if !strings.Contains(name, "/") || l.noPrunes.Load() || !l.hasFolders(ctx) {
		return
	}
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if l.removeEmpty(ctx, name[:i]) != nil {
			return
		}
	}
}

// clear removes an empty folder that is in the way of an object, and reports whether there is none any
// more. KindInvalid: it is not empty. No folder, or no answer, is no error: the put has its own.
func (l *Lake) clear(ctx context.Context, name string) (bool, error) {
	err := l.removeEmpty(ctx, name)
	if err == nil {
		return true, nil
	}
	if h, herr := l.head(ctx, name); herr != nil || !h.folder {
		return isMissing(herr), nil // somebody else has removed it
	}
	return false, &lakelink.Error{Op: "put", Kind: lakelink.KindInvalid, Err: fmt.Errorf("%s is a folder: %w", name, oneLine(err)),
		Hint: "choose another name or remove what is in the way"}
}

// removeEmpty removes a folder if it is empty. The DFS endpoint does so in one step, and refuses a folder
// with something in it; the ETag keeps it from removing an object that has come in the folder's place.
func (l *Lake) removeEmpty(ctx context.Context, dir string) error {
	ctx = l.hasty(ctx)
	used, err := l.used(ctx, dir)
	if err != nil {
		return err
	}
	if used {
		return errUsed
	}
	h, err := l.head(ctx, dir)
	if err != nil {
		return err
	}
	if !h.folder {
		return fmt.Errorf("%s is an object", dir)
	}
	etag := azcore.ETag(`"` + h.info.ETag + `"`)
	_, err = l.files.NewFileClient(l.at.full(dir)).Delete(ctx, &file.DeleteOptions{AccessConditions: &file.AccessConditions{
		ModifiedAccessConditions: &file.ModifiedAccessConditions{IfMatch: &etag}}})
	if status(err) == 0 && err != nil && ctx.Err() == nil {
		l.noPrunes.Store(true) // such as a private network that has no DFS endpoint: do not wait for it again
	}
	if datalakeerror.HasCode(err, datalakeerror.PathNotFound) {
		return nil
	}
	return err
}

var errUsed = fmt.Errorf("it is not empty")

// used reports whether there is anything in a folder.
func (l *Lake) used(ctx context.Context, dir string) (bool, error) {
	pager := l.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: ptr(l.at.full(dir) + "/"), MaxResults: ptr(int32(1))})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, item := range page.Segment.BlobItems {
			if item.Name != nil && *item.Name != l.at.full(dir) {
				return true, nil
			}
		}
	}
	return false, nil
}
