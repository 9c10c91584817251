package verify

import (
	"bufio"
	"errors"
	"os"
)

// A spool keeps records in the order in which they come, limit of them in memory and from then on
// all of them in a file. A nil spool is empty.
type spool struct {
	dir   string
	limit int
	n     int
	held  []record
	file  *os.File
	w     *bufio.Writer
	buf   []byte
}

func newSpool(dir string, limit int) *spool { return &spool{dir: dir, limit: limit} }

func (s *spool) len() int {
	if s == nil {
		return 0
	}
	return s.n
}

func (s *spool) add(r record) error {
	s.n++
	if s.file == nil && len(s.held) < s.limit {
		s.held = append(s.held, r)
		return nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "spool-*")
		if err != nil {
			return err
		}
		s.file, s.w = f, bufio.NewWriterSize(f, bufferBytes)
		for _, held := range s.held {
			if err := s.write(held); err != nil {
				return err
			}
		}
		s.held = nil
	}
	return s.write(r)
}

func (s *spool) write(r record) error {
	s.buf = r.encode(s.buf[:0])
	_, err := s.w.Write(s.buf)
	return err
}

// all returns what was added so far.
func (s *spool) all() records {
	switch {
	case s == nil:
		return listed(nil)
	case s.file == nil:
		return listed(s.held)
	}
	if err := s.w.Flush(); err != nil {
		return func(yield func(record, error) bool) { yield(record{}, err) }
	}
	return readRun(s.file.Name())
}

// close removes the file. The length stays.
func (s *spool) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
