package delta

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// statsText is how many characters of a text's bounds the log keeps.
const statsText = 32

// fileStats makes the statistics of an add action from those that Parquet has gathered: numRecords,
// and for the first fields minValues, maxValues and nullCount (protocol, "Per-file Statistics").
// Bounds may be wider than the values, never narrower.
func fileStats(l *layout, meta *metadata.FileMetaData) (string, error) {
	s := struct {
		NumRecords int64                      `json:"numRecords"`
		MinValues  map[string]json.RawMessage `json:"minValues"`
		MaxValues  map[string]json.RawMessage `json:"maxValues"`
		NullCount  map[string]int64           `json:"nullCount"`
	}{meta.NumRows, map[string]json.RawMessage{}, map[string]json.RawMessage{}, map[string]int64{}}
	if len(meta.RowGroups) == 1 { // else the file has no rows
		for i := range l.stats {
			chunk, err := meta.RowGroup(0).ColumnChunk(i)
			if err != nil {
				return "", err
			}
			stats, err := chunk.Statistics()
			if err != nil || stats == nil {
				continue
			}
			name := l.fields[i].Name
			if stats.HasNullCount() {
				s.NullCount[name] = stats.NullCount()
			}
			if stats.HasMinMax() {
				lo, hi := bounds(l.arrow.Field(i).Type, stats.EncodeMin(), stats.EncodeMax())
				if lo != nil && hi != nil {
					s.MinValues[name], s.MaxValues[name] = lo, hi
				}
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return string(bytes.TrimSpace(b.Bytes())), err
}

// bounds turns Parquet's least and greatest value into JSON; nil where that cannot be done.
func bounds(t arrow.DataType, lo, hi []byte) (min, max json.RawMessage) {
	switch t := t.(type) {
	case *arrow.Int64Type:
		return number(le64(lo)), number(le64(hi))
	case *arrow.Date32Type:
		return date(lo), date(hi)
	case *arrow.TimestampType:
		// The log keeps milliseconds. The upper bound is rounded up, for readers that do not know.
		return instant(floorDiv(le64(lo), 1000)), instant(-floorDiv(-le64(hi), 1000))
	case *arrow.Float64Type:
		return float(le64(lo)), float(le64(hi))
	case *arrow.Decimal128Type:
		return decimal(lo, t.Scale), decimal(hi, t.Scale)
	case *arrow.StringType:
		return text(textAtMost(string(lo))), text(textAtLeast(string(hi)))
	}
	return nil, nil
}

func le64(b []byte) int64 {
	if len(b) != 8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func number(n int64) json.RawMessage { return json.RawMessage(strconv.FormatInt(n, 10)) }

func date(b []byte) json.RawMessage {
	days := int64(int32(binary.LittleEndian.Uint32(b)))
	return json.RawMessage(time.Unix(days*86400, 0).UTC().Format(`"2006-01-02"`))
}

func instant(ms int64) json.RawMessage {
	t := time.UnixMilli(ms).UTC()
	if t.Year() > 9999 { // also by rounding up
		return nil
	}
	return json.RawMessage(t.Format(`"2006-01-02T15:04:05.000Z"`))
}

func float(bits int64) json.RawMessage {
	f := math.Float64frombits(uint64(bits))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return json.RawMessage(strconv.FormatFloat(f, 'g', -1, 64))
}

// decimal reads Parquet's big-endian two's complement.
func decimal(b []byte, scale int32) json.RawMessage {
	if len(b) == 0 || len(b) > 16 {
		return nil
	}
	var full [16]byte
	if b[0]&0x80 != 0 {
		copy(full[:], bytes.Repeat([]byte{0xff}, 16))
	}
	copy(full[16-len(b):], b)
	n := decimal128.New(int64(binary.BigEndian.Uint64(full[:8])), binary.BigEndian.Uint64(full[8:]))
	return json.RawMessage(n.ToString(scale))
}

func text(s string, ok bool) json.RawMessage {
	if !ok || !utf8.ValidString(s) {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// textAtMost is a text of at most statsText characters that is not greater than s.
func textAtMost(s string) (string, bool) {
	n := 0
	for i := range s {
		if n == statsText {
			return s[:i], true
		}
		n++
	}
	return s, true
}

// textAtLeast is a text of at most statsText characters that is not less than s: its last character
// that can be is raised by one, what follows is cut. False where there is no such text.
func textAtLeast(s string) (string, bool) {
	short, _ := textAtMost(s)
	if len(short) == len(s) {
		return s, true
	}
	runes := []rune(short)
	for i, r := range slices.Backward(runes) {
		if r == utf8.MaxRune {
			continue
		}
		if r++; r == 0xD800 { // UTF-8 has no surrogates
			r = 0xE000
		}
		runes[i] = r
		return string(runes[:i+1]), true
	}
	return "", false
}
