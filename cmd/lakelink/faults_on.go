//go:build faults

package main

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"lakelink"
	"lakelink/internal/lake/faulty"
)

// points counts the durable writes of this process, over all lakes, each at three places.
var points atomic.Int64

// withFaults lets the crash suite kill this process at the n-th place of its writes, n being
// LAKELINK_KILL_AT. Only a program built with the tag "faults" has it.
func withFaults(lake lakelink.Lake) lakelink.Lake {
	at, err := strconv.ParseInt(os.Getenv("LAKELINK_KILL_AT"), 10, 64)
	if err != nil || at <= 0 {
		return lake
	}
	return &faulty.Lake{Lake: lake, Kill: func(p faulty.Point) {
		if points.Add(1) != at {
			return
		}
		fmt.Fprintf(os.Stderr, "killed %s %s %s\n", p.Mode, p.Op, p.Name)
		syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // if it fails, the select never ends and the suite says so
		select {}
	}}
}
