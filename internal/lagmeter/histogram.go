package lagmeter

import (
	"math"
	"time"
)

// A histogram counts durations in buckets, each a hundredth wider than the one before, so that its
// memory does not depend on how many there are.
type histogram struct {
	counts [2600]int64 // the last one ends beyond a day
	count  int64
	max    time.Duration
}

const (
	bucketStart  = time.Microsecond
	bucketGrowth = 1.01
)

var logGrowth = math.Log(bucketGrowth)

func (h *histogram) add(d time.Duration) {
	i := 0
	if d > bucketStart {
		i = int(math.Log(float64(d)/float64(bucketStart)) / logGrowth)
	}
	h.counts[min(i, len(h.counts)-1)]++
	h.count++
	h.max = max(h.max, d)
}

// quantile is a duration that a share q of all do not exceed, at most one percent too long.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(h.count)))
	for i, n := range h.counts {
		if rank -= n; rank <= 0 && n > 0 {
			end := float64(bucketStart) * math.Pow(bucketGrowth, float64(i+1))
			return min(h.max, time.Duration(end))
		}
	}
	return h.max
}
