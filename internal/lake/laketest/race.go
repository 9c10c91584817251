package laketest

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lakelink"
)

const writers = 8

// together runs f in writers goroutines that start at once.
func together(f func(writer int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			<-start
			f(w)
		})
	}
	close(start)
	wg.Wait()
}

func testPutNewRace(t *testing.T, l lakelink.Lake) {
	const names = 50
	for i := range names {
		name := fmt.Sprintf("log/%020d.json", i)
		var winner atomic.Int64
		var wins atomic.Int64
		together(func(w int) {
			_, err := l.PutNew(t.Context(), name, strings.NewReader(body(w)))
			switch {
			case err == nil:
				wins.Add(1)
				winner.Store(int64(w))
			case !lakelink.IsKind(err, lakelink.KindExists):
				t.Errorf("writer %d of %s: %v", w, name, err)
			}
		})
		if wins.Load() != 1 {
			t.Fatalf("%s: %d winners", name, wins.Load())
		}
		if get(t, l, name) != body(int(winner.Load())) {
			t.Fatalf("%s does not hold the winner's bytes", name)
		}
	}
}

// body is as long as it is because torn writes show only beyond a block.
func body(writer int) string { return strings.Repeat(strconv.Itoa(writer), 20_000) }

// testPutMatchRace counts up: an update that was acknowledged and lost would be missing in the sum.
func testPutMatchRace(t *testing.T, l lakelink.Lake) {
	const rounds = 25
	put(t, l, "counter", "0")
	together(func(w int) {
		for done := 0; done < rounds; {
			ok, err := increment(t, l)
			if err != nil {
				t.Errorf("writer %d: %v", w, err)
				return
			}
			if ok {
				done++
			}
		}
	})
	if got := get(t, l, "counter"); got != strconv.Itoa(writers*rounds) {
		t.Errorf("counted to %s, want %d", got, writers*rounds)
	}
}

func increment(t *testing.T, l lakelink.Lake) (bool, error) {
	r, info, err := l.Get(t.Context(), "counter")
	if err != nil {
		return false, err
	}
	data, err := io.ReadAll(r)
	r.Close()
	if err != nil {
		return false, err
	}
	n, err := strconv.Atoi(string(data))
	if err != nil {
		return false, err
	}
	_, err = l.PutMatch(t.Context(), "counter", info.ETag, strings.NewReader(strconv.Itoa(n+1)))
	if lakelink.IsKind(err, lakelink.KindConflict) {
		return false, nil
	}
	return err == nil, err
}

func testNeverHalf(t *testing.T, l lakelink.Lake) {
	const rounds = 25
	put(t, l, "x", body(0))
	together(func(w int) {
		for range rounds {
			if w%2 == 0 {
				if _, err := l.Put(t.Context(), "x", strings.NewReader(body(w))); err != nil {
					t.Errorf("Put: %v", err)
				}
				continue
			}
			r, info, err := l.Get(t.Context(), "x")
			if err != nil {
				t.Errorf("Get: %v", err)
				continue
			}
			data, err := io.ReadAll(r)
			r.Close()
			if err != nil || int64(len(data)) != info.Size || string(data) != strings.Repeat(string(data[:1]), len(body(0))) {
				t.Errorf("a reader saw %d bytes of more than one version: %v", len(data), err)
			}
		}
	})
}

// testFoldersComeAndGo: emptying a folder while another object is put there must not fail either.
func testFoldersComeAndGo(t *testing.T, l lakelink.Lake) {
	const rounds = 25
	together(func(w int) {
		for i := range rounds {
			name := fmt.Sprintf("deep/er/%d", w)
			if _, err := l.Put(t.Context(), name, strings.NewReader("x")); err != nil {
				t.Errorf("Put %d: %v", i, err)
			}
			if err := l.Delete(t.Context(), name); err != nil {
				t.Errorf("Delete %d: %v", i, err)
			}
		}
	})
	wantNames(t, list(t, l, "", false))
}
