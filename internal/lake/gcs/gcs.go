// Package gcs is a lake in a bucket of Google Cloud Storage, over its JSON API.
//
// An object's generation is its ETag: the server makes a new one for each object that is written, so
// conditions are exact. Small objects are written by one multipart/related request, larger ones by a
// resumable upload, of which nothing is visible before its last chunk has arrived.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/remote"
)

// chunkBytes is the size of the chunks of large objects, a multiple of 256 KiB. An upload holds one in
// memory.
const chunkBytes = 8 << 20

const scope = "https://www.googleapis.com/auth/devstorage.read_write"

// A Lake is a folder of a bucket.
type Lake struct {
	at       remote.Address
	http     *http.Client
	endpoint string
	tokens   func() (*oauth2.Token, error) // nil: anonymous
	settings remote.Settings
	chunk    int
	page     int // objects in a page of a listing; 0: as the server likes
}

// Open opens the lake at gs://bucket/folder. Its options, for other servers and for credentials other
// than Google's application default, are in docs/guide/stores-s3-gcs.md. It sends nothing yet.
func Open(address string) (*Lake, error) {
	at, err := remote.ParseAddress("gs", address, "endpoint", "credentials", "anonymous")
	if err != nil {
		return nil, err
	}
	l := &Lake{at: at, endpoint: "https://storage.googleapis.com", http: client(), settings: remote.Defaults, chunk: chunkBytes}
	elsewhere := at.Options["endpoint"]
	emulator := os.Getenv("STORAGE_EMULATOR_HOST")
	if elsewhere == "" && emulator != "" {
		if elsewhere = emulator; !strings.Contains(emulator, "://") {
			elsewhere = "http://" + emulator
		}
	}
	if elsewhere != "" {
		if l.endpoint, err = remote.Endpoint(elsewhere); err != nil {
			return nil, err
		}
	}
	ref := at.Options["credentials"]
	if ref != "" {
		if err := lakelink.SecretRef(ref).Validate(); err != nil {
			return nil, &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: errors.New("credentials is a reference"),
				Hint: "give env:NAME or file:PATH of a credentials file's content, never the content itself"}
		}
	}
	anonymous := at.Options["anonymous"] == "true" || emulator != "" && ref == "" && at.Options["anonymous"] == ""
	if !anonymous {
		l.tokens = (&signIn{ref: lakelink.SecretRef(ref), bucket: at.Bucket, http: l.http}).token
	}
	return l, nil
}

// client bounds what the settings cannot, leaves bodies as they are, and takes a 308 for what it is here:
// the answer to a chunk.
func client() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{CheckRedirect: stay, Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
	}}
}

// URL is the lake's address without options.
func (l *Lake) URL() string { return l.at.String() }

// Get opens a whole object. A body that is cut is opened again where it stopped.
func (l *Lake) Get(ctx context.Context, name string) (io.ReadCloser, lakelink.ObjectInfo, error) {
	key, err := l.ready(ctx, "get", name)
	if err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	var info lakelink.ObjectInfo
	r, err := l.body(ctx, name, key, 0, -1, &info)
	if err != nil {
		return nil, lakelink.ObjectInfo{}, err
	}
	return r, info, nil
}

// GetRange opens n bytes from off.
func (l *Lake) GetRange(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if err := lake.CheckRange("get", name, off, n); err != nil {
		return nil, err
	}
	key, err := l.ready(ctx, "get", name)
	if err != nil {
		return nil, err
	}
	if n == 0 { // HTTP has no such range
		if _, err := l.Stat(ctx, name); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
	var info lakelink.ObjectInfo
	r, err := l.body(ctx, name, key, off, n, &info)
	if errors.Is(err, errBeyond) {
		return http.NoBody, nil
	}
	return r, err
}

// body reads n bytes from start, or all where n is -1, of one generation of an object.
func (l *Lake) body(ctx context.Context, name, key string, start, n int64, info *lakelink.ObjectInfo) (io.ReadCloser, error) {
	return remote.Open(ctx, l.settings, name, func(ctx context.Context, off int64) (io.ReadCloser, int64, error) {
		query := url.Values{"alt": {"media"}}
		if off > 0 {
			query.Set("generation", info.ETag)
		}
		req := l.request("get", name, http.MethodGet, l.object(key), query)
		req.header.Set("Accept-Encoding", "gzip") // objects as they are stored, even compressed ones
		if start+off > 0 || n >= 0 {
			req.header.Set("Range", span(start+off, n-off, n >= 0))
		}
		resp, err := l.send(ctx, req)
		if err != nil {
			return nil, 0, err
		}
		if off == 0 {
			if *info, err = mediaInfo(name, resp); err != nil {
				resp.Body.Close()
				return nil, 0, l.strange(req, err)
			}
		} else if resp.Header.Get("X-Goog-Generation") != info.ETag {
			resp.Body.Close() // a server that does not know of old generations
			return nil, 0, &lakelink.Error{Op: "get", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was replaced", name)}
		}
		return resp.Body, resp.ContentLength, nil
	})
}

// span writes a Range header. The last byte may be beyond what a number holds.
func span(off, n int64, bounded bool) string {
	s := "bytes=" + strconv.FormatInt(off, 10) + "-"
	if last := off + n - 1; bounded && last >= off {
		s += strconv.FormatInt(last, 10)
	}
	return s
}

// mediaInfo is what a download's headers tell.
func mediaInfo(name string, resp *http.Response) (lakelink.ObjectInfo, error) {
	info := lakelink.ObjectInfo{Name: name, Size: resp.ContentLength, ETag: resp.Header.Get("X-Goog-Generation")}
	if info.ETag == "" {
		return info, errors.New("no generation in the answer")
	}
	at, err := http.ParseTime(resp.Header.Get("Last-Modified"))
	info.ModTime = at.UTC()
	return info, err
}

// An object is GCS's resource of that name, as far as it matters here.
type object struct {
	Name       string            `json:"name"`
	Size       int64             `json:"size,string"`
	Generation string            `json:"generation"`
	Updated    time.Time         `json:"updated"`
	CRC32C     string            `json:"crc32c"`
	Metadata   map[string]string `json:"metadata"`
}

// fields asks for no more than that.
const fields = "name,size,generation,updated,crc32c,metadata"

// info has the time in whole seconds: that is all a download tells.
func (o *object) info(name string) lakelink.ObjectInfo {
	return lakelink.ObjectInfo{Name: name, Size: o.Size, ETag: o.Generation, ModTime: o.Updated.UTC().Truncate(time.Second)}
}

// Stat tells about an object.
func (l *Lake) Stat(ctx context.Context, name string) (lakelink.ObjectInfo, error) {
	found, err := l.look(ctx, l.settings, "stat", name)
	return found.Info, err
}

func (l *Lake) look(ctx context.Context, settings remote.Settings, op, name string) (remote.Found, error) {
	key, err := l.ready(ctx, op, name)
	if err != nil {
		return remote.Found{}, err
	}
	var o object
	err = settings.Do(ctx, 0, func(ctx context.Context) error {
		o = object{}
		return l.call(ctx, l.request(op, name, http.MethodGet, l.object(key), url.Values{"fields": {fields}}), &o)
	})
	return remote.Found{Info: o.info(name), Claim: o.Metadata[remote.ClaimKey]}, err
}

// Delete removes an object.
func (l *Lake) Delete(ctx context.Context, name string) error {
	return l.delete(ctx, name, "")
}

// delete removes an object, or only that generation of it.
func (l *Lake) delete(ctx context.Context, name, generation string) error {
	key, err := l.ready(ctx, "delete", name)
	if err != nil {
		return err
	}
	query := url.Values{}
	if generation != "" {
		query.Set("ifGenerationMatch", generation)
	}
	err = l.settings.Do(ctx, 0, func(ctx context.Context) error {
		return l.call(ctx, l.request("delete", name, http.MethodDelete, l.object(key), query), nil)
	})
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return nil
	}
	return err
}

func (l *Lake) ready(ctx context.Context, op, name string) (string, error) {
	key, err := l.at.Key(op, name)
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%s %s: %w", op, name, err)
	}
	return key, nil
}
