package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lakelink"
)

// ClaimKey is the metadata of an object in which its writer's claim is kept: a token that it made up,
// followed by those of the writers before it whose object was replaced on condition that it was
// still the same. A writer that did not hear whether it succeeded finds its token there or not, even
// if somebody has gone on from what it wrote.
const ClaimKey = "lakelink-claim"

// claims bounds how many tokens are kept: 16 of 17 bytes stay far below S3's 2 KiB of metadata.
const claims = 16

// NewToken makes up a token.
func NewToken() string { return strings.ToLower(rand.Text()[:16]) }

// Claim puts a token before the claim of the object that is replaced.
func Claim(token, before string) string {
	all := append([]string{token}, strings.Fields(before)...)
	return strings.Join(all[:min(len(all), claims)], " ")
}

// Token is the token of a claim's last writer.
func Token(claim string) string {
	token, _, _ := strings.Cut(claim, " ")
	return token
}

// A Found is what is under a name.
type Found struct {
	Info  lakelink.ObjectInfo
	Claim string
}

// A Write is one Put, whose outcome is not in doubt when Decide returns.
type Write struct {
	Settings Settings
	Name     string
	New      bool   // only where there is nothing
	Match    string // only where there is an object of that ETag
	Token    string // claims the object
	Once     bool   // an attempt that was refused cannot be repeated
	// Look tells what is there. KindNotFound: nothing.
	Look func(ctx context.Context) (Found, error)
}

// Decide makes attempts until one is known to have succeeded or failed. An attempt that fails with
// KindConflict or KindNotFound was refused by the server; one that fails otherwise may have done
// its work. body is how many bytes an attempt sends.
func (w *Write) Decide(ctx context.Context, body int, attempt func(ctx context.Context) (lakelink.ObjectInfo, error)) (lakelink.ObjectInfo, error) {
	var info lakelink.ObjectInfo
	doubt := false
	err := w.Settings.Do(ctx, body, func(ctx context.Context) (err error) {
		if info, err = attempt(ctx); err == nil {
			return nil
		}
		switch lakelink.KindOf(err) {
		case lakelink.KindConflict, lakelink.KindNotFound:
			info, err = w.refused(ctx, err, doubt)
		case lakelink.KindTransient, lakelink.KindUnreachable:
			doubt = true
			info, err = w.doubted(ctx, err)
		case lakelink.KindThrottled:
			doubt = true
		}
		return err
	})
	return info, err
}

func (w *Write) conditional() bool { return w.New || w.Match != "" }

// refused finds out whom the server made way for: perhaps for us, whose answer was lost.
func (w *Write) refused(ctx context.Context, refusal error, doubt bool) (lakelink.ObjectInfo, error) {
	found, err := w.Look(ctx)
	there := err == nil
	switch {
	case there && w.ours(found):
		return w.won(found), nil
	case err != nil && !lakelink.IsKind(err, lakelink.KindNotFound):
		if doubt || !w.conditional() {
			return lakelink.ObjectInfo{}, err
		}
		return lakelink.ObjectInfo{}, w.lost()
	case w.New && there, w.Match != "" && (!there || found.Info.ETag != w.Match):
		return lakelink.ObjectInfo{}, w.lost()
	case w.Once:
		return lakelink.ObjectInfo{}, refusal
	}
	// Somebody's write or delete was under way and nothing came of it, or it is gone again.
	var e *lakelink.Error
	if errors.As(refusal, &e) {
		refusal = e.Err
	}
	return lakelink.ObjectInfo{}, &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: refusal}
}

// doubted looks whether an attempt without an answer has done its work. What cannot be told is left
// to the next attempt.
func (w *Write) doubted(ctx context.Context, failure error) (lakelink.ObjectInfo, error) {
	if context.Cause(ctx) != nil { // this try's time is over, not the caller's patience
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(context.WithoutCancel(ctx), min(w.Settings.Timeout, Defaults.Timeout/4), ErrNoAnswer)
		defer cancel()
	}
	found, err := w.Look(ctx)
	there := err == nil
	switch {
	case there && w.ours(found):
		return w.won(found), nil
	case err != nil && !lakelink.IsKind(err, lakelink.KindNotFound):
		return lakelink.ObjectInfo{}, failure
	case w.New && there, w.Match != "" && (!there || found.Info.ETag != w.Match):
		return lakelink.ObjectInfo{}, w.lost()
	}
	return lakelink.ObjectInfo{}, failure
}

func (w *Write) ours(f Found) bool { return slices.Contains(strings.Fields(f.Claim), w.Token) }

// won describes our object. If it was replaced since, it has an ETag that no object has any more.
func (w *Write) won(f Found) lakelink.ObjectInfo {
	info := f.Info
	if Token(f.Claim) != w.Token {
		info.ETag = "replaced." + w.Token
	}
	return info
}

func (w *Write) lost() error {
	if w.New {
		return &lakelink.Error{Op: "put", Kind: lakelink.KindExists, Err: fmt.Errorf("%s is there already", w.Name)}
	}
	return w.conflict(fmt.Errorf("%s was changed by somebody else", w.Name))
}

func (w *Write) conflict(err error) error {
	return &lakelink.Error{Op: "put", Kind: lakelink.KindConflict, Err: err}
}
