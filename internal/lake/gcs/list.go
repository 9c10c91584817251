package gcs

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lakelink"
	"lakelink/internal/lake"
)

// List yields the objects whose name starts with prefix, by name. What others have put into the folder
// and no lake can hold is left out. One page is in memory at a time.
func (l *Lake) List(ctx context.Context, prefix string, dirs bool) iter.Seq2[lakelink.ObjectInfo, error] {
	return func(yield func(lakelink.ObjectInfo, error) bool) {
		if err := lake.CheckPrefix("list", prefix); err != nil {
			yield(lakelink.ObjectInfo{}, err)
			return
		}
		if err := ctx.Err(); err != nil {
			yield(lakelink.ObjectInfo{}, fmt.Errorf("list %s: %w", prefix, err))
			return
		}
		query := url.Values{"prefix": {l.at.Prefix + prefix}, "fields": {"nextPageToken,prefixes,items(name,size,generation,updated)"}}
		if dirs {
			query.Set("delimiter", "/")
		}
		if l.page > 0 {
			query.Set("maxResults", strconv.Itoa(l.page))
		}
		last := ""
		for {
			infos, err := l.listPage(ctx, prefix, query)
			for _, info := range infos {
				if info.Name <= last {
					err = &lakelink.Error{Op: "list", Kind: lakelink.KindInvalid,
						Err: fmt.Errorf("bucket %s lists %q after %q, not by name", l.at.Bucket, info.Name, last), Hint: "use a server that does"}
					break
				}
				last = info.Name
				if !yield(info, nil) {
					return
				}
			}
			if err != nil {
				yield(lakelink.ObjectInfo{}, err)
				return
			}
			if query.Get("pageToken") == "" {
				return
			}
		}
	}
}

// listPage fetches one page, and sets the token of the next.
func (l *Lake) listPage(ctx context.Context, prefix string, query url.Values) ([]lakelink.ObjectInfo, error) {
	var page struct {
		NextPageToken string
		Prefixes      []string
		Items         []object
	}
	err := l.settings.Do(ctx, 0, func(ctx context.Context) error {
		page.NextPageToken, page.Prefixes, page.Items = "", nil, nil
		return l.call(ctx, l.request("list", prefix, http.MethodGet, l.base(), query), &page)
	})
	if lakelink.IsKind(err, lakelink.KindNotFound) { // only the bucket can be missing
		err = &lakelink.Error{Op: "list", Kind: lakelink.KindInvalid, Err: fmt.Errorf("there is no bucket %s", l.at.Bucket),
			Hint: "create the bucket " + l.at.Bucket + " or correct the address of the lake"}
	}
	if err != nil {
		return nil, err
	}
	query.Set("pageToken", page.NextPageToken)
	if page.NextPageToken == "" {
		query.Del("pageToken")
	}
	infos := make([]lakelink.ObjectInfo, 0, len(page.Items)+len(page.Prefixes))
	for i := range page.Items {
		if name, ok := l.at.Name(page.Items[i].Name); ok {
			infos = append(infos, page.Items[i].info(name))
		}
	}
	for _, p := range page.Prefixes {
		if name, ok := l.at.Folder(p); ok {
			infos = append(infos, lakelink.ObjectInfo{Name: name})
		}
	}
	slices.SortFunc(infos, func(a, b lakelink.ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}
