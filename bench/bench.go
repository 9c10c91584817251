package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

type options struct {
	rows     int
	dir      string
	lakelink string
	profiles string // "": none
	keep     bool
}

// A bench is what the scenarios of one run share.
type bench struct {
	options
	sources map[sourceKind]*source
	lake    string // made by initial-sync/both; "" before
	lakes   int
}

func newBench(o options) (*bench, error) {
	dir, err := os.MkdirTemp(o.dir, "lakelink-bench-")
	if err != nil {
		return nil, err
	}
	if o.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return nil, err
		}
		if o.profiles, err = filepath.Abs(o.profiles); err != nil {
			return nil, err
		}
	}
	return &bench{options: o, sources: map[sourceKind]*source{}}, nil
}

// close ends the sources and removes everything but the profiles, unless it is to be kept.
func (b *bench) close() error {
	var errs []error
	for _, s := range b.sources {
		errs = append(errs, s.close())
	}
	if b.keep {
		fmt.Fprintln(os.Stderr, "kept:", b.dir)
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// newLake is an empty folder.
func (b *bench) newLake() (string, error) {
	b.lakes++
	dir := filepath.Join(b.dir, "lake-"+strconv.Itoa(b.lakes))
	return dir, os.Mkdir(dir, 0o755)
}

// source is the replay of that kind, made when it is first asked for.
func (b *bench) source(ctx context.Context, kind sourceKind) (*source, error) {
	if s := b.sources[kind]; s != nil {
		return s, nil
	}
	s, err := startSource(ctx, filepath.Join(b.dir, "pages-"+string(kind)), kind, b.rows)
	if err == nil {
		b.sources[kind] = s
	}
	return s, err
}
