package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// Put writes or replaces an object.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, &write{Write: remote.Write{Name: name}}, r)
}

// PutNew writes an object that is not there yet.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, &write{Write: remote.Write{Name: name, New: true}, ifNone: aws.String("*")}, r)
}

// PutMatch replaces an object that still has that ETag. The server compares the content only; that it
// is the same object, not an equal one, is looked up just before.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	found, err := l.look(ctx, l.settings, "put", name)
	if err == nil && found.Info.ETag != etag || lakelink.IsKind(err, lakelink.KindNotFound) {
		return lakelink.ObjectInfo{}, &lakelink.Error{Op: "put", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was changed by somebody else", name)}
	}
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	own, _ := split(etag)
	return l.put(ctx, &write{Write: remote.Write{Name: name, Match: etag}, ifMatch: aws.String(`"` + own + `"`), before: found.Claim}, r)
}

// A write is one Put under way.
type write struct {
	remote.Write
	lake            *Lake
	key             string
	ifNone, ifMatch *string
	before          string // the claim of the object that is replaced
	metadata        map[string]string
	size            int64
}

func (l *Lake) put(ctx context.Context, w *write, r io.Reader) (lakelink.ObjectInfo, error) {
	key, err := l.ready(ctx, "put", w.Name)
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	w.begin(l, key)
	parts := remote.NewParts(ctx, r, l.part)
	first, last, err := parts.Next(nil)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", w.Name, err)
	}
	if last {
		return w.whole(ctx, first)
	}
	return w.multipart(ctx, first, false, parts)
}

func (w *write) begin(l *Lake, key string) {
	w.lake, w.key, w.Settings, w.Token = l, key, l.settings, remote.NewToken()
	w.metadata = map[string]string{remote.ClaimKey: remote.Claim(w.Token, w.before)}
	once := l.settings
	once.Tries = 1 // it is looked again after the next attempt
	w.Look = func(ctx context.Context) (remote.Found, error) { return l.look(ctx, once, "put", w.Name) }
}

func (w *write) whole(ctx context.Context, data []byte) (lakelink.ObjectInfo, error) {
	w.size = int64(len(data))
	sum := checksum(data)
	return w.Decide(ctx, len(data), func(ctx context.Context) (lakelink.ObjectInfo, error) {
		out, err := w.lake.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &w.lake.at.Bucket, Key: &w.key, Body: bytes.NewReader(data),
			ContentLength: &w.size, ChecksumCRC32: &sum, Metadata: w.metadata, IfNoneMatch: w.ifNone, IfMatch: w.ifMatch})
		if err != nil {
			return lakelink.ObjectInfo{}, w.inTheWay(ctx, w.lake.failure(ctx, "put", w.Name, "s3:PutObject", err))
		}
		return w.done(out.ETag, out.ResultMetadata), nil
	})
}

// inTheWay doubts a file system behind S3 that takes the name for a folder's: it may only be removing
// one that was emptied.
func (w *write) inTheWay(ctx context.Context, failure error) error {
	var e *lakelink.Error
	if !errors.As(failure, &e) || e.Code != "ExistingObjectIsDirectory" {
		return failure
	}
	out, err := w.lake.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &w.lake.at.Bucket, Prefix: aws.String(w.key + "/"), MaxKeys: aws.Int32(1)})
	if err == nil && len(out.Contents) == 0 {
		e.Kind, e.Hint = lakelink.KindTransient, ""
	}
	return failure
}

func (w *write) done(etag *string, answer middleware.Metadata) lakelink.ObjectInfo {
	at, ok := awsmiddleware.GetServerTime(answer)
	if !ok {
		at = time.Now()
	}
	return w.lake.info(w.Name, etag, w.size, &at, w.metadata)
}

// checksum is the CRC-32 that the server compares with what arrived.
func checksum(data []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data)))
}

// multipart writes an object part by part. Until the last step there is nothing under its name, and
// whatever stops it before, what was sent is given back.
func (w *write) multipart(ctx context.Context, first []byte, last bool, parts *remote.Parts) (info lakelink.ObjectInfo, err error) {
	l := w.lake
	var created *s3.CreateMultipartUploadOutput
	err = l.settings.Do(ctx, 0, func(ctx context.Context) (err error) {
		created, err = l.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &l.at.Bucket, Key: &w.key,
			Metadata: w.metadata, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		return l.failure(ctx, "put", w.Name, "s3:PutObject", err)
	})
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	id := aws.ToString(created.UploadId)
	defer func() {
		if err != nil {
			l.abort(context.WithoutCancel(ctx), w.Name, w.key, id)
		}
	}()
	done, err := w.sendParts(ctx, id, first, last, parts)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	w.Once = true
	info, err = w.Decide(ctx, 0, func(ctx context.Context) (lakelink.ObjectInfo, error) {
		out, err := l.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &l.at.Bucket, Key: &w.key, UploadId: &id,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: done}, IfNoneMatch: w.ifNone, IfMatch: w.ifMatch})
		if err != nil {
			return lakelink.ObjectInfo{}, l.failure(ctx, "put", w.Name, "s3:PutObject", err)
		}
		return w.done(out.ETag, out.ResultMetadata), nil
	})
	if w.ifNone == nil && w.ifMatch == nil && lakelink.IsKind(err, lakelink.KindConflict) {
		err = aborted(err)
	}
	return info, err
}

func aborted(err error) error {
	return &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("somebody has aborted the upload: %w", err)}
}

// sendParts sends all parts, a few at a time.
func (w *write) sendParts(ctx context.Context, id string, part []byte, last bool, parts *remote.Parts) ([]types.CompletedPart, error) {
	var sent []*types.CompletedPart
	var source error
	free := make(chan []byte, uploads+1) // never full: no more buffers are made
	g, sending := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for {
		if len(sent) == maxParts {
			source = &lakelink.Error{Op: "put", Kind: lakelink.KindInvalid,
				Err: fmt.Errorf("%s is larger than %d parts of %d bytes", w.Name, maxParts, w.lake.part), Hint: "split it"}
			break
		}
		w.size += int64(len(part))
		slot, data, number := new(types.CompletedPart), part, int32(len(sent)+1)
		sent = append(sent, slot)
		g.Go(func() (err error) {
			defer func() { free <- data }()
			*slot, err = w.sendPart(sending, id, number, data)
			return err
		})
		if last || sending.Err() != nil {
			break
		}
		var buf []byte
		select {
		case buf = <-free:
		default:
		}
		if part, last, source = parts.Next(buf); source != nil {
			source = fmt.Errorf("put %s: %w", w.Name, source)
			break
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	done := make([]types.CompletedPart, len(sent))
	for i, slot := range sent {
		done[i] = *slot
	}
	return done, source
}

func (w *write) sendPart(ctx context.Context, id string, number int32, data []byte) (types.CompletedPart, error) {
	sum, length := checksum(data), int64(len(data))
	part := types.CompletedPart{PartNumber: &number, ChecksumCRC32: &sum}
	err := w.lake.settings.Do(ctx, len(data), func(ctx context.Context) error {
		out, err := w.lake.api.UploadPart(ctx, &s3.UploadPartInput{Bucket: &w.lake.at.Bucket, Key: &w.key, UploadId: &id, PartNumber: &number,
			Body: bytes.NewReader(data), ContentLength: &length, ChecksumCRC32: &sum, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			return w.lake.failure(ctx, "put", w.Name, "s3:PutObject", err)
		}
		part.ETag = out.ETag
		return nil
	})
	if lakelink.IsKind(err, lakelink.KindConflict) { // the upload, not the object
		err = aborted(err)
	}
	return part, err
}

// abort gives back what an upload has sent. If that fails too, Sweep does it a day later.
func (l *Lake) abort(ctx context.Context, name, key, id string) {
	ctx, cancel := context.WithTimeout(ctx, l.settings.Timeout)
	defer cancel()
	_ = l.settings.Do(ctx, 0, func(ctx context.Context) error {
		_, err := l.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &l.at.Bucket, Key: &key, UploadId: &id})
		return l.failure(ctx, "abort upload", name, "s3:AbortMultipartUpload", err)
	})
}

// abandoned is the age from which an upload is taken to be left over from a writer that died.
const abandoned = 24 * time.Hour

// Sweep aborts uploads into this folder that began before a time.
func (l *Lake) Sweep(ctx context.Context, before time.Time) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &l.at.Bucket, Prefix: &l.at.Prefix, EncodingType: types.EncodingTypeUrl}
	for {
		var out *s3.ListMultipartUploadsOutput
		err := l.settings.Do(ctx, 0, func(ctx context.Context) (err error) {
			out, err = l.api.ListMultipartUploads(ctx, in)
			return l.failure(ctx, "list uploads", l.at.String(), "s3:ListBucketMultipartUploads", err)
		})
		if err != nil {
			return err
		}
		for _, u := range out.Uploads {
			key := unescape(aws.ToString(u.Key), string(out.EncodingType))
			if strings.HasPrefix(key, l.at.Prefix) && u.Initiated != nil && u.Initiated.Before(before) {
				l.abort(ctx, key, key, aws.ToString(u.UploadId))
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = aws.String(unescape(aws.ToString(out.NextKeyMarker), string(out.EncodingType))), out.NextUploadIdMarker
	}
}
