package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
	"time"
)

// A result is what one scenario measured, of the measured process alone.
type result struct {
	Name             string  `json:"name"`
	Rows             int64   `json:"rows"`
	Seconds          float64 `json:"seconds"`     // by the clock, from the process's start to its end
	CPUSeconds       float64 `json:"cpu_seconds"` // user and system
	RowsPerSecond    float64 `json:"rows_per_second"`
	RowsPerCPUSecond float64 `json:"rows_per_cpu_second"`
	PeakMiB          float64 `json:"peak_mib"` // resident

	// OtherCPUs is how many CPUs other programs kept busy meanwhile: the more, the less the figures
	// say.
	OtherCPUs float64 `json:"other_cpus"`

	LagP50MS       float64 `json:"lag_p50_ms,omitempty"`
	LagP99MS       float64 `json:"lag_p99_ms,omitempty"`
	LagMaxMS       float64 `json:"lag_max_ms,omitempty"`
	LagOutstanding int     `json:"lag_outstanding,omitempty"` // changes that nobody could read in the end
}

func newResult(rows int64, took, cpu time.Duration, peakBytes int64) result {
	r := result{Rows: rows, Seconds: took.Seconds(), CPUSeconds: cpu.Seconds(), PeakMiB: float64(peakBytes) / (1 << 20)}
	if took > 0 {
		r.RowsPerSecond = float64(rows) / r.Seconds
	}
	if cpu > 0 {
		r.RowsPerCPUSecond = float64(rows) / r.CPUSeconds
	}
	return r
}

// writeResults writes the figures as a JSON list, with two digits after the point.
func writeResults(path string, results []result) error {
	rounded := make([]result, len(results))
	for i, r := range results {
		for _, f := range []*float64{&r.Seconds, &r.CPUSeconds, &r.RowsPerSecond, &r.RowsPerCPUSecond, &r.PeakMiB, &r.OtherCPUs, &r.LagP50MS, &r.LagP99MS, &r.LagMaxMS} {
			*f = math.Round(*f*100) / 100
		}
		rounded[i] = r
	}
	b, err := json.MarshalIndent(rounded, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// printResults prints the figures as a table.
func printResults(out io.Writer, results []result) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\trows\tseconds\tCPU s\trows/s\trows/CPU s\tpeak MiB\tother CPUs\tlag p50 ms\tlag p99 ms\tlag max ms\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.0f\t%.0f\t%.0f\t%.1f\t", r.Name, r.Rows, r.Seconds, r.CPUSeconds,
			r.RowsPerSecond, r.RowsPerCPUSecond, r.PeakMiB, r.OtherCPUs)
		if r.LagMaxMS > 0 {
			fmt.Fprintf(w, "%.0f\t%.0f\t%.0f\t", r.LagP50MS, r.LagP99MS, r.LagMaxMS)
		} else {
			fmt.Fprint(w, "\t\t\t")
		}
		fmt.Fprintln(w)
	}
	w.Flush() //nolint:errcheck // standard output
}
