package s3

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"lakelink"
	"lakelink/internal/lake"
)

// List yields the objects whose name starts with prefix, by name, without ETags: S3 does not list
// claims. What others have put into the folder and no lake can hold is left out. One page is in
// memory at a time.
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
		in := &s3.ListObjectsV2Input{Bucket: &l.at.Bucket, Prefix: aws.String(l.at.Prefix + prefix), EncodingType: types.EncodingTypeUrl}
		if dirs {
			in.Delimiter = aws.String("/")
		}
		if l.page > 0 {
			in.MaxKeys = &l.page
		}
		last := ""
		for {
			infos, err := l.listPage(ctx, prefix, in)
			for _, info := range infos {
				if info.Name <= last {
					err = disorder(l.at.Bucket, last, info.Name)
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
			if in.ContinuationToken == nil {
				return
			}
		}
	}
}

// listPage fetches one page, and sets the token of the next.
func (l *Lake) listPage(ctx context.Context, prefix string, in *s3.ListObjectsV2Input) ([]lakelink.ObjectInfo, error) {
	var out *s3.ListObjectsV2Output
	err := l.settings.Do(ctx, 0, func(ctx context.Context) (err error) {
		out, err = l.api.ListObjectsV2(ctx, in)
		return l.failure(ctx, "list", prefix, "s3:ListBucket", err)
	})
	if err != nil {
		return nil, err
	}
	in.ContinuationToken = nil
	if aws.ToBool(out.IsTruncated) {
		in.ContinuationToken = out.NextContinuationToken
	}
	encoding := string(out.EncodingType)
	infos := make([]lakelink.ObjectInfo, 0, len(out.Contents)+len(out.CommonPrefixes))
	for _, o := range out.Contents {
		if name, ok := l.at.Name(unescape(aws.ToString(o.Key), encoding)); ok {
			infos = append(infos, lakelink.ObjectInfo{Name: name, Size: aws.ToInt64(o.Size), ModTime: aws.ToTime(o.LastModified).UTC()})
		}
	}
	for _, p := range out.CommonPrefixes {
		if name, ok := l.at.Folder(unescape(aws.ToString(p.Prefix), encoding)); ok {
			infos = append(infos, lakelink.ObjectInfo{Name: name})
		}
	}
	slices.SortFunc(infos, func(a, b lakelink.ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// disorder: a log that is read in another order than its own would be misread.
func disorder(bucket, last, next string) error {
	return &lakelink.Error{Op: "list", Kind: lakelink.KindInvalid,
		Err:  fmt.Errorf("bucket %s lists %q after %q, not by name", bucket, next, last),
		Hint: "use a general purpose bucket; directory buckets (S3 Express) cannot be lakes"}
}
