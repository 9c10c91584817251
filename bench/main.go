// Command bench measures Lakelink: rows per second and per CPU-second, memory, and the time until
// a change is readable. docs/benchmarks.md says what each scenario measures. It judges nothing:
// figures are for people, who know the machine.
//
// What is measured runs in a process of its own, so that neither making the data nor serving it
// counts: this program again, as child.go describes, or bin/lakelink.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// A scenario is one thing that is measured.
type scenario struct {
	name string
	run  func(ctx context.Context, b *bench) (result, error)
}

// scenarios are all there are, in their order. A new one is a line here and a file.
var scenarios = []scenario{
	{"decode", decode},
	{"decode/identity", decodeIdentity},
	{"initial-sync/delta", initialSyncDelta},
	{"initial-sync/incremental", initialSyncIncremental},
	{"initial-sync/both", initialSyncBoth},
	{"verify", verifyBoth},
	{"lag/200-per-second", lag200},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if job := os.Getenv(childVariable); job != "" {
		err = runChild(ctx, job)
	} else {
		err = run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the chosen scenarios one after the other.
func run(ctx context.Context) (err error) {
	var (
		o    options
		only = flag.String("only", "", "measure only scenarios whose names match this regular expression")
		out  = flag.String("out", "bench/results.json", "file for the figures")
	)
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the initial syncs")
	flag.StringVar(&o.dir, "dir", "", "folder for the lakes and the pages; the system's temporary one by default")
	flag.StringVar(&o.lakelink, "lakelink", "bin/lakelink", "the built program, for the lag")
	flag.BoolVar(&o.keep, "keep", false, "leave the lakes and the pages in place, to look at them")
	flag.StringVar(&o.profiles, "cpuprofile", "", "folder for CPU and heap profiles of what is measured")
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	b, err := newBench(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var results []result
	for _, s := range scenarios {
		if !chosen.MatchString(s.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s ...\n", s.name)
		began, busy := time.Now(), others()
		r, err := s.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.Name = s.name
		r.OtherCPUs = max(0, (others()-busy).Seconds()/time.Since(began).Seconds())
		results = append(results, r)
		if err := writeResults(*out, results); err != nil {
			return err
		}
	}
	printResults(os.Stdout, results)
	return nil
}
