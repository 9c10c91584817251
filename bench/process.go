package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// The kernel tells about processes under /proc. Elsewhere these figures are 0.

// peakOf is the most memory that a process has had resident. The rusage of a child would not do: it
// starts from what its parent had when it was forked.
func peakOf(process string) int64 {
	b, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "\nVmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64) // 0 where it is none
	return kib << 10
}

// tick is the unit of /proc's times, the same on all of Linux's common machines.
const tick = 10 * time.Millisecond

// cpuOf is the processor time that a running process has used.
func cpuOf(process string) time.Duration {
	b, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return 0
	}
	// The name, in brackets, may hold anything; the times are fields 14 and 15.
	_, rest, _ := strings.Cut(string(b), ") ")
	return ticks(strings.Fields(rest), 11, 12)
}

// ticks adds up fields that hold times; one that is not there counts nothing.
func ticks(fields []string, which ...int) time.Duration {
	var sum int64
	for _, i := range which {
		if i < len(fields) {
			n, _ := strconv.ParseInt(fields[i], 10, 64) // 0 where it is none
			sum += n
		}
	}
	return time.Duration(sum) * tick
}

// others is the processor time that everything but this process and its children has used since
// the machine started. Beside it figures are worse than they would be alone.
func others() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	all := ticks(strings.Fields(line), 1, 2, 3, 6, 7) // not 4 and 5, which are idle
	if b, err = os.ReadFile("/proc/self/stat"); err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return all - ticks(strings.Fields(rest), 11, 12, 13, 14)
}
