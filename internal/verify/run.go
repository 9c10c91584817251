package verify

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"os"
)

// bufferBytes is what an open run takes beside its records' share of memory. The number of runs
// open at once is bounded, see sorter.
const bufferBytes = 16 << 10

// records are records in some order, with the error that ended them early.
type records = iter.Seq2[record, error]

// writeRun writes records to a new file and returns its name.
func writeRun(dir string, all records) (name string, err error) {
	f, err := os.CreateTemp(dir, "run-*")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, bufferBytes)
	buf := make([]byte, 0, recordBytes)
	for r, err := range all {
		if err == nil {
			_, err = w.Write(r.encode(buf))
		}
		if err != nil {
			return "", errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// readRun reads back what writeRun wrote.
func readRun(name string) records {
	return func(yield func(record, error) bool) {
		f, err := os.Open(name)
		if err != nil {
			yield(record{}, err)
			return
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, bufferBytes)
		var buf [recordBytes]byte
		for {
			_, err := io.ReadFull(r, buf[:])
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(record{}, err)
				return
			}
			if !yield(decode(buf[:]), nil) {
				return
			}
		}
	}
}

// listed are records held in memory.
func listed(all []record) records {
	return func(yield func(record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}
