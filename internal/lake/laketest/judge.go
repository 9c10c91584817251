package laketest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
)

// Judge tests whether a server can be a judge of conditional writes: of racers that create the same
// key at once, exactly one may be told that it won, and its bytes must be what is there. create reports
// false for a refusal. What a server that fails here says about a lake is worth nothing.
func Judge(t *testing.T, keys, racers int, create func(ctx context.Context, key string, body []byte) (bool, error), get func(key string) ([]byte, error)) {
	t.Helper()
	bad := 0
	for k := range keys {
		key := fmt.Sprintf("judge/%04d", k)
		var mu sync.Mutex
		var winners []int
		var wg sync.WaitGroup
		start := make(chan struct{})
		for r := range racers {
			wg.Go(func() {
				<-start
				won, err := create(t.Context(), key, judged(k, r))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: racer %d: %v", key, r, err)
				}
				if won {
					winners = append(winners, r)
				}
			})
		}
		close(start)
		wg.Wait()
		got, err := get(key)
		if err != nil {
			t.Fatal(err)
		}
		if len(winners) != 1 || !bytes.HasPrefix(got, judged(k, winners[0])) {
			bad++
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d keys had not exactly one winner and its bytes", bad, keys)
	}
	t.Logf("%d of %d keys, %d racers each: one winner, the winner's bytes", keys-bad, keys, racers)
}

func judged(key, racer int) []byte {
	return []byte(strconv.Itoa(key) + "/" + strconv.Itoa(racer) + ";")
}
