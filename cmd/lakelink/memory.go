package main

import (
	"os"
	"runtime/debug"
)

// roomForCode is what the program needs beside what its writers buffer.
const roomForCode = 64 << 20

// limitMemory lets the garbage collector run rarely while there is room and often when there is not.
// Who sets GOGC or GOMEMLIMIT knows better.
func limitMemory(buffers int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(buffers + roomForCode)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
