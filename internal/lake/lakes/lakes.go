// Package lakes opens a lake by its URL. It holds the one list of all kinds of lakes.
package lakes

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/azure"
	"lakelink/internal/lake/gcs"
	"lakelink/internal/lake/local"
	"lakelink/internal/lake/s3"
)

// Options are what URLs do not tell, for each kind of lake that has options.
type Options struct {
	Azure azure.Options
}

// FromEnvironment are the options that this process's environment sets.
func FromEnvironment() Options {
	return Options{Azure: azure.FromEnvironment(os.LookupEnv)}
}

// A kind of lake is known by its URL's scheme.
type kind struct {
	name string
	open func(url string, o Options) (lakelink.Lake, error) // nil: this version cannot
}

var kinds = map[string]kind{
	"abfss": {name: "Azure Data Lake Storage Gen2", open: openAzure},
	"file":  {name: "a folder", open: openLocal},
	"gs":    {name: "Google Cloud Storage", open: openGCS},
	"s3":    {name: "Amazon S3", open: openS3},
}

// Open opens the lake at a URL, or in the folder of that absolute path, with the options that the
// environment sets.
func Open(url string) (lakelink.Lake, error) { return FromEnvironment().Open(url) }

// Open opens the lake at a URL, or in the folder of that absolute path.
func (o Options) Open(url string) (lakelink.Lake, error) {
	if filepath.IsAbs(url) {
		return openLocal(url, o)
	}
	if azure.Is(url) { // https: is how the Azure portal shows it
		return openAzure(url, o)
	}
	scheme, _, ok := strings.Cut(url, ":")
	if !ok {
		return nil, refuse(fmt.Errorf("%q is neither a URL nor an absolute path", url), "write it like file:///data/lake")
	}
	k, known := kinds[strings.ToLower(scheme)]
	switch {
	case !known:
		return nil, refuse(fmt.Errorf("there is no kind of lake %q", scheme+":"), "give a URL that starts with "+schemes())
	case k.open == nil:
		return nil, refuse(fmt.Errorf("%s (%s:) cannot be a lake in this version", k.name, scheme),
			"give a folder, such as file:///data/lake")
	}
	return k.open(url, o)
}

func openLocal(url string, _ Options) (lakelink.Lake, error) {
	l, err := local.Open(url)
	if err != nil {
		return nil, err // not l: a nil *local.Lake would be no nil Lake
	}
	return l, nil
}

func openAzure(url string, o Options) (lakelink.Lake, error) {
	l, err := azure.Open(url, o.Azure)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openS3(url string, _ Options) (lakelink.Lake, error) {
	l, err := s3.Open(url)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openGCS(url string, _ Options) (lakelink.Lake, error) {
	l, err := gcs.Open(url)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Probe makes sure, before a link writes to a lake, that its server can keep the lake's promises.
func Probe(ctx context.Context, l lakelink.Lake) error {
	if p, ok := lake.As[lake.Prober](l); ok {
		return p.Probe(ctx)
	}
	return nil
}

// schemes lists the schemes that can be opened.
func schemes() string {
	var can []string
	for _, scheme := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[scheme].open != nil {
			can = append(can, scheme+":")
		}
	}
	return strings.Join(can, " or ")
}

func refuse(err error, hint string) error {
	return &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: err, Hint: hint}
}
