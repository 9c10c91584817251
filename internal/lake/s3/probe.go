package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lakelink"
	"lakelink/internal/lake/owner"
	"lakelink/internal/lake/remote"
)

// Probe finds out whether the server honours the conditions that commits rest on, in each request by
// which an object can become visible. Then it gives back what uploads that died have left, if this
// lake is a link's.
func (l *Lake) Probe(ctx context.Context) (err error) {
	name := "_lakelink/probe-" + remote.NewToken()
	key, err := l.ready(ctx, "probe lake", name)
	if err != nil {
		return err
	}
	first, err := l.PutNew(ctx, name, strings.NewReader("1"))
	if notImplemented(err) {
		return l.unfit("PutObject with If-None-Match", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Delete(context.WithoutCancel(ctx), name)) }()

	for _, request := range []string{"PutObject with If-None-Match", "PutObject with If-Match", "CompleteMultipartUpload with If-None-Match"} {
		if err := l.refuses(ctx, request, name, key); err != nil {
			return err
		}
	}
	if _, err := l.PutMatch(ctx, name, first.ETag, strings.NewReader("2")); err != nil {
		return err
	}
	if _, err := l.Stat(ctx, owner.Name); err == nil {
		_ = l.Sweep(ctx, time.Now().Add(-abandoned)) // they cost money, and do no other harm
	}
	return nil
}

// refuses makes a request whose condition does not hold.
func (l *Lake) refuses(ctx context.Context, request, name, key string) error {
	w := &write{Write: remote.Write{Name: name}}
	none, stale := "*", `"00000000000000000000000000000000"`
	if w.New = strings.HasSuffix(request, "If-None-Match"); w.New {
		w.ifNone = &none
	} else {
		w.Match, w.ifMatch = strings.Trim(stale, `"`)+".", &stale
	}
	w.begin(l, key)
	var err error
	if strings.HasPrefix(request, "PutObject") {
		_, err = w.whole(ctx, []byte(request))
	} else {
		_, err = w.multipart(ctx, []byte(request), true, nil)
	}
	switch {
	case err == nil || notImplemented(err):
		return l.unfit(request, err)
	case lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindConflict):
		return nil
	}
	return err
}

func notImplemented(err error) bool {
	var e *lakelink.Error
	return errors.As(err, &e) && (e.Code == "NotImplemented" || e.Code == "501")
}

func (l *Lake) unfit(request string, err error) error {
	why := fmt.Errorf("%s of bucket %s ignores conditions: %s succeeded where it must not", l.endpoint, l.at.Bucket, request)
	if err != nil {
		why = fmt.Errorf("%s of bucket %s has no conditions: %s: %w", l.endpoint, l.at.Bucket, request, err)
	}
	return &lakelink.Error{Op: "probe lake", Kind: lakelink.KindInvalid, Err: why,
		Hint: "without them two writers could destroy a table: use Amazon S3 or a server that honours If-None-Match and If-Match, or upgrade this one"}
}
