package gcs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// Probe finds out whether the server honours the conditions that commits rest on, in each way by which
// an object can become visible. Cloud Storage does; what stands in for it may not.
func (l *Lake) Probe(ctx context.Context) (err error) {
	name := "_lakelink/probe-" + remote.NewToken()
	key, err := l.ready(ctx, "probe lake", name)
	if err != nil {
		return err
	}
	first, err := l.PutNew(ctx, name, strings.NewReader("1"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Delete(context.WithoutCancel(ctx), name)) }()
	for _, upload := range []string{"multipart", "resumable"} {
		for _, generation := range []string{"0", "1"} {
			if err := l.refuses(ctx, upload, generation, name, key); err != nil {
				return err
			}
		}
	}
	_, err = l.PutMatch(ctx, name, first.ETag, strings.NewReader("2"))
	return err
}

// refuses makes an upload whose condition does not hold.
func (l *Lake) refuses(ctx context.Context, upload, generation, name, key string) error {
	w := &write{Write: remote.Write{Name: name}, generation: generation}
	if w.New = generation == "0"; !w.New {
		w.Match = generation
	}
	w.begin(l)
	var err error
	if upload == "multipart" {
		_, err = w.whole(ctx, key, []byte(upload))
	} else {
		_, err = w.resumable(ctx, key, []byte(upload), true, nil)
	}
	switch {
	case err == nil:
		return &lakelink.Error{Op: "probe lake", Kind: lakelink.KindInvalid,
			Err:  fmt.Errorf("%s ignores conditions: a %s upload into bucket %s with ifGenerationMatch=%s succeeded where it must not", l.endpoint, upload, l.at.Bucket, generation),
			Hint: "without them two writers could destroy a table: use Google Cloud Storage, or a server that honours ifGenerationMatch"}
	case lakelink.IsKind(err, lakelink.KindExists) || lakelink.IsKind(err, lakelink.KindConflict):
		return nil
	}
	return err
}
