package gcs

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"lakelink"
)

var errBroken = errors.New("broken")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// pattern yields n bytes that tell their place.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i) + seed
	}
	return b
}

func testLarge(t *testing.T, l *Lake) {
	for _, size := range []int{l.chunk - 1, l.chunk, l.chunk + 1, 2 * l.chunk, 3*l.chunk + 7} {
		data := pattern(size, 1)
		info, err := l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		r, got, err := l.Get(t.Context(), "large")
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(back, data) || got != info || got.Size != int64(size) {
			t.Fatalf("%d bytes: got %d, put %+v, get %+v, %v", size, len(back), info, got, err)
		}
		_, err = l.PutNew(t.Context(), "large", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindExists) {
			t.Errorf("PutNew again: %v", err)
		}
		_, err = l.PutMatch(t.Context(), "large", info.ETag+"0", bytes.NewReader(data))
		if !lakelink.IsKind(err, lakelink.KindConflict) {
			t.Errorf("PutMatch of another: %v", err)
		}
		second, err := l.PutMatch(t.Context(), "large", info.ETag, bytes.NewReader(pattern(size, 2)))
		if err != nil {
			t.Errorf("PutMatch: %v", err)
		}
		_, err = l.Put(t.Context(), "large", io.MultiReader(bytes.NewReader(data), bytes.NewReader(data), brokenReader{}))
		if !errors.Is(err, errBroken) {
			t.Errorf("Put of a failing reader: %v", err)
		}
		if now, err := l.Stat(t.Context(), "large"); err != nil || now != second {
			t.Errorf("after a failed Put: %+v, %v", now, err)
		}
		if err := l.Delete(t.Context(), "large"); err != nil {
			t.Fatal(err)
		}
	}
}
