package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"lakelink"
	"lakelink/internal/config"
	"lakelink/internal/dataverse"
)

// A child is this program started anew to do one job, so that what it costs can be told from what
// this process costs. Its order and its answer are JSON.

// childVariable names the job in the child's environment, orderVariable holds the order.
const (
	childVariable = "LAKELINK_BENCH_CHILD"
	orderVariable = "LAKELINK_BENCH_ORDER"
)

// An order is what a child is to do.
type order struct {
	Source  string            `json:"source"` // URL
	Lake    string            `json:"lake,omitempty"`
	Formats []lakelink.Format `json:"formats,omitempty"`
	Dir     string            `json:"dir,omitempty"`     // for local caches
	Profile string            `json:"profile,omitempty"` // path without an extension
}

// A report is what a child answers.
type report struct {
	Rows int64 `json:"rows"`
	Peak int64 `json:"peak"` // bytes resident at most; 0 if unknown
}

// jobs are what children can do. Each returns how many rows it has handled.
var jobs = map[string]func(ctx context.Context, o order) (rows int64, err error){
	"decode": decodeJob,
	"sync":   syncJob,
	"verify": verifyJob,
}

// measure runs a job in a child.
func (b *bench) measure(ctx context.Context, scenario, job string, o order) (result, error) {
	program, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	if b.profiles != "" {
		o.Profile = filepath.Join(b.profiles, strings.ReplaceAll(scenario, "/", "-"))
	}
	text, err := json.Marshal(o)
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), childVariable+"="+job, orderVariable+"="+string(text))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("the measured process: %w", err)
	}
	took := time.Since(began)
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("the measured process answers %q: %w", out.String(), err)
	}
	state := cmd.ProcessState
	return newResult(r.Rows, took, state.UserTime()+state.SystemTime(), r.Peak), nil
}

// runChild does a job and answers.
func runChild(ctx context.Context, job string) (err error) {
	do := jobs[job]
	if do == nil {
		return fmt.Errorf("there is no job %q", job)
	}
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(orderVariable)), &o); err != nil {
		return err
	}
	stop, err := profile(o.Profile)
	if err != nil {
		return err
	}
	// As lakelink serve does.
	debug.SetMemoryLimit(memory() + 64<<20)
	debug.SetGCPercent(200)
	rows, err := do(ctx, o)
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report{rows, peakOf("self")})
}

// profile begins a CPU profile; stop ends it and writes a heap profile beside it.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(path + ".cpu.prof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		heap, err := os.Create(path + ".heap.prof")
		if err != nil {
			return err
		}
		runtime.GC()
		return errors.Join(cpu.Close(), pprof.WriteHeapProfile(heap), heap.Close())
	}, nil
}

// connect makes the client that a child reads the source with.
func (o *order) connect() (*dataverse.Client, error) {
	return dataverse.New(dataverse.Options{URL: o.Source, Tenant: "bench", Authority: o.Source, ClientID: "bench",
		Secret: func(context.Context) (string, error) { return "bench", nil }})
}

// memory is what the service gives the writers of a link where nothing else is configured.
func memory() int64 { return int64(config.Default().Memory) }
