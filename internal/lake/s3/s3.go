// Package s3 is a lake in a bucket of Amazon S3, or of a server that speaks its language and honours
// conditional writes (see Probe).
//
// An object is written by one PutObject, or, when it is larger than a part, by a multipart upload, of
// which nothing is visible before it is completed. Conditions travel with the request that makes the
// object visible, and the server decides. S3's own ETags come again when content does, so ours have
// the writer's claim added (remote.ClaimKey), which also tells who won when an answer was lost.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/remote"
)

// partBytes is the size of the parts of large objects; S3 takes 10,000 of at least 5 MiB. An upload
// holds uploads+1 of them in memory.
const (
	partBytes = 8 << 20
	maxParts  = 10_000
	uploads   = 2 // parts of one object on their way at once
)

// A Lake is a folder of a bucket.
type Lake struct {
	at       remote.Address
	api      *s3.Client
	endpoint string // as errors name it
	settings remote.Settings
	part     int
	page     int32 // keys in a page of a listing; 0: as the server likes
}

// Open opens the lake at s3://bucket/folder. Its options, for servers other than AWS and for
// credentials other than those of the AWS default chain, are in docs/guide/stores-s3-gcs.md. It sends nothing yet.
func Open(address string) (*Lake, error) {
	at, err := remote.ParseAddress("s3", address, "endpoint", "region", "path-style", "profile", "access-key", "secret-key", "session-token")
	if err != nil {
		return nil, err
	}
	var load []func(*config.LoadOptions) error
	load = append(load, config.WithHTTPClient(client()), config.WithAppID("lakelink"))
	if at.Options["region"] != "" {
		load = append(load, config.WithRegion(at.Options["region"]))
	}
	if at.Options["profile"] != "" {
		load = append(load, config.WithSharedConfigProfile(at.Options["profile"]))
	}
	own, err := ownCredentials(at.Options)
	if err != nil {
		return nil, err
	}
	if own != nil {
		load = append(load, config.WithCredentialsProvider(own))
	}
	cfg, err := config.LoadDefaultConfig(context.Background(), load...)
	if err != nil {
		return nil, invalid(err, "correct the AWS profile or environment variables of the service")
	}
	return open(at, cfg)
}

func open(at remote.Address, cfg aws.Config) (*Lake, error) {
	l := &Lake{at: at, settings: remote.Defaults, part: partBytes, endpoint: "the endpoint of Amazon S3"}
	var endpoint *string // else what AWS_ENDPOINT_URL_S3 or the profile say
	if e := at.Options["endpoint"]; e != "" {
		e, err := remote.Endpoint(e)
		if err != nil {
			return nil, err
		}
		endpoint = &e
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // the answer names the right one
	}
	l.api = s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != nil {
			o.BaseEndpoint = endpoint
		}
		if o.BaseEndpoint != nil {
			l.endpoint, o.UsePathStyle = *o.BaseEndpoint, true
		}
		if p := at.Options["path-style"]; p != "" {
			o.UsePathStyle = p == "true"
		}
		o.Logger = logging.Nop{}     // what matters comes as an error
		o.Retryer = aws.NopRetryer{} // a repeated conditional write must know that it is one
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return l, nil
}

// client bounds what the settings cannot: how long a connection takes.
func client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 64
		t.DisableCompression = true // bodies are what was put
	})
}

func ownCredentials(options map[string]string) (aws.CredentialsProvider, error) {
	key, secret, session := options["access-key"], options["secret-key"], options["session-token"]
	if key == "" && secret == "" && session == "" {
		return nil, nil
	}
	if key == "" || secret == "" {
		return nil, invalid(errors.New("access-key and secret-key go together"), "give both, as env:NAME or file:PATH, or none")
	}
	for _, ref := range []string{key, secret, session} {
		if ref == "" {
			continue
		}
		if err := lakelink.SecretRef(ref).Validate(); err != nil {
			return nil, invalid(errors.New("access-key, secret-key and session-token are references"), "give env:NAME or file:PATH, never the secret itself")
		}
	}
	// Read again every few minutes, so that a secret can be rotated.
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		values := make([]string, 3)
		for i, ref := range []string{key, secret, session} {
			if ref == "" {
				continue
			}
			v, err := remote.Secret(lakelink.SecretRef(ref))
			if err != nil {
				return aws.Credentials{}, err
			}
			values[i] = v
		}
		c, err := credentials.NewStaticCredentialsProvider(values[0], values[1], values[2]).Retrieve(context.Background())
		c.CanExpire, c.Expires = true, time.Now().Add(5*time.Minute)
		return c, err
	})), nil
}

func invalid(err error, hint string) error {
	return &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: err, Hint: hint}
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
	r, err := l.body(ctx, name, key, off, n, nil)
	if errors.Is(err, errBeyond) {
		return http.NoBody, nil
	}
	return r, err
}

// body reads n bytes from start, or all where n is -1, of one version of an object.
func (l *Lake) body(ctx context.Context, name, key string, start, n int64, info *lakelink.ObjectInfo) (io.ReadCloser, error) {
	var version *string
	return remote.Open(ctx, l.settings, name, func(ctx context.Context, off int64) (io.ReadCloser, int64, error) {
		in := &s3.GetObjectInput{Bucket: &l.at.Bucket, Key: &key}
		if start+off > 0 || n >= 0 {
			in.Range = span(start+off, n-off, n >= 0)
		}
		if off > 0 {
			in.IfMatch = version
		}
		out, err := l.api.GetObject(ctx, in)
		if err != nil {
			return nil, 0, l.failure(ctx, "get", name, "s3:GetObject", err)
		}
		left := int64(-1)
		if out.ContentLength != nil {
			left = *out.ContentLength
		}
		if off == 0 {
			version = out.ETag
			if info != nil {
				*info = l.info(name, out.ETag, left, out.LastModified, out.Metadata)
			}
		}
		return out.Body, left, nil
	})
}

// span writes a Range header. The last byte may be beyond what a number holds.
func span(off, n int64, bounded bool) *string {
	s := "bytes=" + strconv.FormatInt(off, 10) + "-"
	if last := off + n - 1; bounded && last >= off {
		s += strconv.FormatInt(last, 10)
	}
	return &s
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
	var found remote.Found
	err = settings.Do(ctx, 0, func(ctx context.Context) error {
		out, err := l.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.at.Bucket, Key: &key})
		if err != nil && hasNoBody(err) {
			return l.askAgain(ctx, op, name, key, err)
		}
		if err != nil {
			return l.failure(ctx, op, name, "s3:GetObject", err)
		}
		found = remote.Found{Info: l.info(name, out.ETag, aws.ToInt64(out.ContentLength), out.LastModified, out.Metadata),
			Claim: out.Metadata[remote.ClaimKey]}
		return nil
	})
	return found, err
}

// askAgain finds out why a HEAD failed: its answers have no body to say so, and a bucket that is gone
// must not look like an object that is missing.
func (l *Lake) askAgain(ctx context.Context, op, name, key string, headErr error) error {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.at.Bucket, Key: &key, Range: aws.String("bytes=0-0")})
	if err == nil {
		out.Body.Close()
	}
	if err == nil || errors.Is(l.failure(ctx, op, name, "s3:GetObject", err), errBeyond) {
		if e := l.failure(ctx, op, name, "s3:GetObject", headErr); !lakelink.IsKind(e, lakelink.KindNotFound) {
			return e
		}
		return &lakelink.Error{Op: op, Kind: lakelink.KindTransient, Err: fmt.Errorf("%s was just put there", name)}
	}
	return l.failure(ctx, op, name, "s3:GetObject", err)
}

// info makes the ETag from S3's, which is that of the content, and the token of whoever wrote it.
func (l *Lake) info(name string, etag *string, size int64, at *time.Time, metadata map[string]string) lakelink.ObjectInfo {
	return lakelink.ObjectInfo{Name: name, Size: size, ModTime: aws.ToTime(at).UTC(),
		ETag: strings.Trim(aws.ToString(etag), `"`) + "." + remote.Token(metadata[remote.ClaimKey])}
}

// split takes an ETag apart into S3's and the token.
func split(etag string) (own, token string) {
	i := strings.LastIndexByte(etag, '.')
	if i < 0 {
		return etag, ""
	}
	return etag[:i], etag[i+1:]
}

// Delete removes an object.
func (l *Lake) Delete(ctx context.Context, name string) error {
	key, err := l.ready(ctx, "delete", name)
	if err != nil {
		return err
	}
	err = l.settings.Do(ctx, 0, func(ctx context.Context) error {
		_, err := l.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.at.Bucket, Key: &key})
		return l.failure(ctx, "delete", name, "s3:DeleteObject", err)
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

// unescape undoes what encoding-type=url did to a key.
func unescape(key string, encoding string) string {
	if encoding != "url" {
		return key
	}
	if plain, err := url.QueryUnescape(key); err == nil {
		return plain
	}
	return key
}
