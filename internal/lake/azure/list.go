package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"lakelink"
	"lakelink/internal/lake"
)

// pageTries bounds how often the same page of a listing is asked for when its end is missing.
const pageTries = 3

// errStop says that whoever ranges over a listing has had enough.
var errStop = errors.New("enough")

// found is called with each object or, where its name ends in "/", folder.
type found func(lakelink.ObjectInfo) error

// List yields the objects whose name starts with prefix.
func (l *Lake) List(ctx context.Context, prefix string, dirs bool) iter.Seq2[lakelink.ObjectInfo, error] {
	return func(yield func(lakelink.ObjectInfo, error) bool) {
		err := lake.CheckPrefix("list", prefix)
		if err == nil {
			err = ctx.Err()
		}
		each := func(info lakelink.ObjectInfo) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(info, nil) {
				return errStop
			}
			return nil
		}
		switch {
		case err != nil:
		case dirs:
			err = l.folded(ctx, prefix, each)
		case l.tree.Load() == hierarchical:
			err = l.walk(ctx, prefix, "", each)
		default:
			err = l.flat(ctx, prefix, each)
		}
		if err != nil && err != errStop {
			yield(lakelink.ObjectInfo{}, l.failure(ctx, "list", prefix, err))
		}
	}
}

// flat lists an account without folders as it is. The first folder it meets shows that the account has
// a hierarchical namespace, where listings are in another order: "a/b" comes before "a-b", as if "/"
// were the least of all characters. Up to there the orders agree, and the rest is walked.
func (l *Lake) flat(ctx context.Context, prefix string, each found) error {
	last := ""
	pager := l.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: ptr(l.at.full(prefix)), Include: withMetadata})
	err := pages(ctx, pager, func(page container.ListBlobsFlatResponse) error {
		for _, item := range page.Segment.BlobItems {
			info, folder, ok := l.item(item)
			if folder {
				return errFolders
			}
			if !ok {
				continue
			}
			if err := each(info); err != nil {
				return err
			}
			last = info.Name
		}
		return nil
	})
	if errors.Is(err, errFolders) {
		return l.walk(ctx, prefix, last, each)
	}
	return l.nothing(ctx, prefix, err)
}

var (
	errFolders   = errors.New("there are folders")
	withMetadata = container.ListBlobsInclude{Metadata: true}
)

// walk lists folder by folder, in the order of the names, what comes after a name. It costs a request per
// folder, and no memory beyond a page for each level.
func (l *Lake) walk(ctx context.Context, prefix, after string, each found) error {
	return l.folded(ctx, prefix, func(info lakelink.ObjectInfo) error {
		switch {
		case strings.HasSuffix(info.Name, "/"):
			return l.walk(ctx, info.Name, after, each)
		case info.Name <= after:
			return nil
		}
		return each(info)
	})
}

// folded lists what is directly below a prefix. In a hierarchical namespace the folder "a/" comes before
// "a-b", which is less: it is held back until nothing can come before it any more.
func (l *Lake) folded(ctx context.Context, prefix string, each found) error {
	var held []lakelink.ObjectInfo
	pager := l.container.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: ptr(l.at.full(prefix)), Include: withMetadata})
	err := pages(ctx, pager, func(page container.ListBlobsHierarchyResponse) error {
		last := ""
		add := func(info lakelink.ObjectInfo) {
			held = append(held, info)
			if lowered(info.Name) > lowered(last) {
				last = info.Name
			}
		}
		for _, p := range page.Segment.BlobPrefixes {
			if p.Name != nil {
				add(lakelink.ObjectInfo{Name: l.at.relative(*p.Name)})
			}
		}
		for _, item := range page.Segment.BlobItems {
			if info, _, ok := l.item(item); ok {
				add(info)
			}
		}
		slices.SortFunc(held, func(a, b lakelink.ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
		for len(held) > 0 && !overtaken(held[0].Name, last) {
			if err := each(held[0]); err != nil {
				return err
			}
			held = held[1:]
		}
		return nil
	})
	if err := l.nothing(ctx, prefix, err); err != nil {
		return err
	}
	for _, info := range held {
		if err := each(info); err != nil {
			return err
		}
	}
	return nil
}

// lowered is a name as a hierarchical namespace orders it.
func lowered(name string) string { return strings.ReplaceAll(name, "/", "\x00") }

// overtaken reports whether a lesser name than this may still come after last.
func overtaken(name, last string) bool {
	dir, ok := strings.CutSuffix(name, "/")
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(last, dir)
	return ok && (rest == "/" || rest < "/")
}

// item reads an entry. Not ok are folders, and blobs that are no objects because no lake can have
// their names, such as the "a/" that some tools make for an empty folder.
func (l *Lake) item(b *container.BlobItem) (info lakelink.ObjectInfo, folder, ok bool) {
	if b == nil || b.Name == nil || b.Properties == nil {
		return lakelink.ObjectInfo{}, false, false
	}
	if l.isFolder(b.Metadata) || b.Properties.ResourceType != nil && strings.EqualFold(*b.Properties.ResourceType, "directory") {
		return lakelink.ObjectInfo{}, true, false
	}
	name := l.at.relative(*b.Name)
	if lake.CheckName("list", name) != nil {
		return lakelink.ObjectInfo{}, false, false
	}
	return objectInfo(name, b.Properties.ContentLength, b.Properties.ETag, b.Properties.LastModified), false, true
}

// pages goes through a listing.
func pages[T any](ctx context.Context, pager *runtime.Pager[T], each func(T) error) error {
	for pager.More() {
		page, err := pager.NextPage(ctx)
		for try := 1; err != nil && errors.Is(err, io.ErrUnexpectedEOF) && try < pageTries; try++ {
			page, err = pager.NextPage(ctx) // the SDK takes a page that was cut off for an answer
		}
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// nothing forgives what a hierarchical namespace says of prefixes that no object can have: that there
// is no such folder, or that one of its segments is an object.
func (l *Lake) nothing(ctx context.Context, prefix string, err error) error {
	switch status(err) {
	case http.StatusNotFound:
		if isMissing(err) {
			return nil
		}
	case http.StatusBadRequest, http.StatusConflict:
		if above, aerr := l.objectAbove(ctx, prefix); aerr == nil && above != "" {
			return nil
		}
	}
	return err
}

// objectAbove finds an object where a name has a folder.
func (l *Lake) objectAbove(ctx context.Context, name string) (string, error) {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		h, err := l.head(ctx, name[:i])
		switch {
		case err == nil && !h.folder:
			return name[:i], nil
		case err == nil:
			return "", nil // what is above a folder are folders
		case !isMissing(err):
			return "", fmt.Errorf("look at %s: %w", name[:i], err)
		}
	}
	return "", nil
}
