package remote

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"lakelink"
	"lakelink/internal/lake"
)

// An Address is a lake's place in an object store: scheme://bucket/prefix?option=value.
type Address struct {
	Scheme, Bucket string
	Prefix         string // "" or ends in "/"
	Options        map[string]string
}

// ParseAddress takes a lake's URL apart. Options that are not among the given ones are refused.
func ParseAddress(scheme, address string, options ...string) (Address, error) {
	invalid := func(format string, args ...any) (Address, error) {
		return Address{}, &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: fmt.Errorf(format, args...),
			Hint: "write it like " + scheme + "://bucket/folder"}
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return invalid("%s", errors.Unwrap(err)) // without the URL
	case u.User != nil:
		return invalid("a lake's URL has no user or password in it")
	case !strings.EqualFold(u.Scheme, scheme) || u.Host == "" || strings.Contains(u.Host, ":"):
		return invalid("%q does not name a bucket", u.Redacted())
	case u.Fragment != "":
		return invalid("%q has a # in it; write it as %%23", u.Redacted())
	}
	a := Address{Scheme: scheme, Bucket: u.Host, Options: map[string]string{}}
	if folder := strings.Trim(u.Path, "/"); folder != "" {
		if err := lake.CheckName("open lake", folder); err != nil {
			return Address{}, err
		}
		a.Prefix = folder + "/"
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return invalid("its options cannot be read: %w", err)
	}
	for name, values := range query {
		if !slices.Contains(options, name) || len(values) != 1 {
			return invalid("%s has the option %q, of which there must be none; there are %s", a, name, strings.Join(options, ", "))
		}
		a.Options[name] = values[0]
	}
	return a, nil
}

// String is the address without options.
func (a Address) String() string {
	return strings.TrimSuffix(a.Scheme+"://"+a.Bucket+"/"+a.Prefix, "/")
}

// maxKey is the longest key of S3 and GCS.
const maxKey = 1024

// Key is an object's name in the bucket.
func (a Address) Key(op, name string) (string, error) {
	if err := lake.CheckName(op, name); err != nil {
		return "", err
	}
	key := a.Prefix + name
	if len(key) > maxKey {
		return "", &lakelink.Error{Op: op, Kind: lakelink.KindInvalid,
			Err: fmt.Errorf("%s is longer than %d bytes", key, maxKey), Hint: "choose a folder with a shorter name"}
	}
	return key, nil
}

// Name is a key's name in the lake, and whether it is one: others have put it there where not.
func (a Address) Name(key string) (string, bool) {
	name, ok := strings.CutPrefix(key, a.Prefix)
	return name, ok && lake.CheckName("list", name) == nil
}

// Folder is Name for a key that ends in "/".
func (a Address) Folder(key string) (string, bool) {
	name, ok := a.Name(strings.TrimSuffix(key, "/"))
	return name + "/", ok && name != lake.Reserved
}

// Secret reads what a reference refers to.
func Secret(ref lakelink.SecretRef) (string, error) {
	if err := ref.Validate(); err != nil {
		return "", &lakelink.Error{Op: "sign in to the lake", Kind: lakelink.KindInvalid, Err: err}
	}
	kind, where, _ := strings.Cut(string(ref), ":")
	secret := os.Getenv(where)
	if kind == "file" {
		data, err := os.ReadFile(where)
		if err != nil {
			return "", noSecret(err, "let the user that Lakelink runs as read "+where)
		}
		secret = string(data)
	}
	if secret = strings.TrimRight(secret, "\r\n"); secret == "" {
		return "", noSecret(fmt.Errorf("%s is empty", ref), "put the secret there")
	}
	return secret, nil
}

func noSecret(err error, hint string) error {
	return &lakelink.Error{Op: "sign in to the lake", Kind: lakelink.KindSignIn, Err: err, Hint: hint}
}

// Endpoint checks a server's address.
func Endpoint(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: errors.New("the endpoint is not a server's address"),
			Hint: "write it like https://storage.example.com"}
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}
