package sample

import (
	"math/rand/v2"
	"strconv"
)

// texts writes texts, all in one buffer.
type texts struct {
	r   *rand.Rand
	buf []byte
}

// pick returns one of list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// oneIn is true once in n times.
func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// join writes parts with spaces between them.
func (t *texts) join(parts ...string) string {
	t.buf = t.buf[:0]
	for i, p := range parts {
		if i > 0 && p != "" {
			t.buf = append(t.buf, ' ')
		}
		t.buf = append(t.buf, p...)
	}
	return string(t.buf)
}

// numbered writes prefix and n, with at least width digits.
func (t *texts) numbered(prefix string, n, width int) string {
	t.buf = append(t.buf[:0], prefix...)
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], int64(n), 10)
	for range width - len(d) {
		t.buf = append(t.buf, '0')
	}
	return string(append(t.buf, d...))
}

// person is somebody's name.
func (t *texts) person() name {
	if oneIn(t.r, 8) {
		return pick(t.r, wholeNames)
	}
	return name{pick(t.r, latinFirst), pick(t.r, latinLast)}
}

// email is the nth address at a reserved domain.
func (t *texts) email(kind string, n int) string {
	t.buf = append(append(t.buf[:0], kind...), '.')
	t.buf = strconv.AppendInt(t.buf, int64(n), 10)
	return string(append(t.buf, "@example.com"...))
}

// phone is a number out of the range kept for fiction.
func (t *texts) phone() string {
	t.buf = append(t.buf[:0], "+1 425-555-"...)
	n := t.r.IntN(10000)
	for _, unit := range [...]int{1000, 100, 10, 1} {
		t.buf = append(t.buf, byte('0'+n/unit%10))
	}
	return string(t.buf)
}

// street is a street with a number.
func (t *texts) street() string {
	t.buf = strconv.AppendInt(t.buf[:0], int64(1+t.r.IntN(400)), 10)
	t.buf = append(t.buf, ' ')
	return string(append(t.buf, pick(t.r, streets)...))
}

// subject is what an activity or a case is about.
func (t *texts) subject() string {
	if oneIn(t.r, 200) {
		return pick(t.r, awkward)
	}
	return t.join(pick(t.r, verbs), pick(t.r, topics))
}

// prose is some sentences of at most limit UTF-16 units.
func (t *texts) prose(count, limit int) string {
	t.buf = t.buf[:0]
	for i := range count {
		if i > 0 {
			t.buf = append(t.buf, pick(t.r, separators)...)
		}
		t.buf = append(t.buf, pick(t.r, sentences)...)
	}
	return clip(string(t.buf), limit)
}

// exactly is a text of exactly units UTF-16 units.
func (t *texts) exactly(units int) string {
	t.buf = t.buf[:0]
	left := units
	for left > 0 {
		s := pick(t.r, sentences)
		if n := units16(s); n+1 <= left {
			t.buf = append(append(t.buf, s...), '\n')
			left -= n + 1
			continue
		}
		t.buf = append(t.buf, '.')
		left--
	}
	return string(t.buf)
}

// units16 is the length of s as Dataverse measures it.
func units16(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// clip shortens s to at most limit UTF-16 units. It never splits a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		n++
		if r > 0xffff {
			n++
		}
		if n > limit {
			return s[:i]
		}
	}
	return s
}

// decimal writes n scaled by 10^-scale, as exact text.
func decimal(n int64, scale int) string {
	var buf [32]byte
	b := buf[:0]
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], n, 10)
	for len(b)+len(d) < cap(buf) && len(d) <= scale {
		d = append(d, 0)
		copy(d[1:], d)
		d[0] = '0'
	}
	b = append(b, d[:len(d)-scale]...)
	if scale > 0 {
		b = append(append(b, '.'), d[len(d)-scale:]...)
	}
	return string(b)
}
