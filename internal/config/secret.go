package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"lakelink"
)

// maxSecret is more than any secret has. A larger file is something else.
const maxSecret = 64 << 10

// Secret fetches what a reference points to: env:NAME or file:PATH. One newline at the end of it, as
// editors leave it, is not part of the secret. It is read anew each time, so that a changed one counts.
func Secret(ref lakelink.SecretRef) (string, error) {
	kind, where, _ := strings.Cut(string(ref), ":")
	var secret string
	var err error
	switch {
	case where == "":
		err = ref.Validate()
	case kind == "env":
		secret, err = fromEnv(where)
	case kind == "file":
		secret, err = fromFile(where)
	default:
		err = ref.Validate()
	}
	if err != nil {
		return "", err
	}
	secret = strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r")
	if secret == "" {
		return "", noSecret(lakelink.KindInvalid, fmt.Errorf("%s is empty", ref), "put the secret there")
	}
	return secret, nil
}

func fromEnv(name string) (string, error) {
	s, ok := os.LookupEnv(name)
	if !ok {
		return "", noSecret(lakelink.KindNotFound, fmt.Errorf("the environment variable %s is not set", name),
			"set it where the service is started, or give file:PATH")
	}
	return s, nil
}

func fromFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		kind := lakelink.KindForbidden
		if errors.Is(err, os.ErrNotExist) {
			kind = lakelink.KindNotFound
		}
		return "", noSecret(kind, err, "put the secret there, readable for the user that Lakelink runs as")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", noSecret(lakelink.KindForbidden, err, "put the secret there, readable for the user that Lakelink runs as")
	}
	if len(b) > maxSecret {
		return "", noSecret(lakelink.KindInvalid, fmt.Errorf("%s is too large to be a secret", path), "give the path of a file with nothing but the secret")
	}
	return string(b), nil
}

func noSecret(kind lakelink.Kind, err error, hint string) error {
	return &lakelink.Error{Op: "read secret", Kind: kind, Err: err, Hint: hint}
}
