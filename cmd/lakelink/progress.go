package main

import (
	"fmt"
	"io"
	"os"
)

// progress is a line that is written over again and again while something takes long. It is shown
// to people only: where the output is not a terminal, nothing is written.
type progress struct {
	w     io.Writer
	shown bool
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{w: w}
}

// clearLine goes to the line's start and empties it.
const clearLine = "\r\x1b[K"

// say replaces the line.
func (p *progress) say(format string, args ...any) {
	if p.w == nil {
		return
	}
	p.shown = true
	fmt.Fprintf(p.w, clearLine+format, args...)
}

// end removes the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.w, clearLine)
		p.shown = false
	}
}
