package sample

import (
	"time"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// set gives a column a value. nil is no value.
func (b *builder) set(column string, v store.Value) {
	c := b.table.Column(column)
	if c == nil {
		b.cast.missing[b.table.LogicalName+"."+column] = true
		return
	}
	b.put(c, v)
}

func (b *builder) put(c *schema.Column, v store.Value) {
	if c == nil || b.has[c.Number] {
		return
	}
	b.has[c.Number] = true
	if v != nil {
		b.row = append(b.row, store.Field{Column: c, Value: v})
	}
}

// maybe sets a column in a share of the rows, in percent.
func (b *builder) maybe(percent int, column string, v store.Value) {
	if b.r.IntN(100) < percent {
		b.set(column, v)
	} else {
		b.set(column, nil)
	}
}

// text sets a text column, shortened to what fits.
func (b *builder) text(column, s string) {
	c := b.table.Column(column)
	if c != nil && len(s) > c.MaxLength {
		s = clip(s, c.MaxLength)
	}
	if s == "" {
		b.set(column, nil)
		return
	}
	b.set(column, s)
}

// money sets a column to an amount below the given one. A few amounts use all four decimals.
func (b *builder) money(column string, below int) { b.set(column, b.amount(below)) }

func (b *builder) amount(below int) store.Decimal {
	n := b.r.Int64N(int64(below) * 10_000)
	if !oneIn(b.r, 20) {
		n -= n % 100
	}
	return store.Decimal(decimal(n, 4))
}

// ref points to the row at place n of a table, counting around; it is nil if the table is empty.
func (b *builder) ref(table string, n int) store.Value {
	p := b.cast.pools[table]
	if p.len() == 0 {
		return nil
	}
	return store.Ref{Table: table, ID: p.at(n % p.len())}
}

// any points to any row of a table.
func (b *builder) any(table string) store.Value { return b.ref(table, b.r.IntN(1<<31)) }

// parent points to a row of the same table made earlier, so that there are no circles.
func (b *builder) parent(i int) store.Value {
	if i == 0 || b.live {
		return nil
	}
	return b.ref(b.table.LogicalName, b.r.IntN(i))
}

// after is a moment up to so many days later than the row was made.
func (b *builder) after(days int) time.Time {
	return b.made.Add(time.Duration(b.r.IntN(days*24*60)) * time.Minute)
}

func date(t time.Time) store.Date { return store.Date(t.Format(time.DateOnly)) }

// in puts the row into the state at that place, with one of its status reasons.
func (b *builder) in(place int) {
	s := b.state[place]
	b.put(b.std.stateCode, s.state)
	b.put(b.std.statusCode, pick(b.r, s.reasons))
}

// mostly puts the row into the first state with the given chance in percent, else into any.
func (b *builder) mostly(percent int) {
	if b.r.IntN(100) < percent {
		b.in(0)
	} else {
		b.in(b.r.IntN(len(b.state)))
	}
}

// priced sets the row's currency, mostly the base currency. The store works out the rest.
func (b *builder) priced() {
	n := 0
	if oneIn(b.r, 4) {
		n = b.r.IntN(1 << 31)
	}
	b.set("transactioncurrencyid", b.ref("transactioncurrency", n))
}

// user points to a user; a few users do most of the work.
func (b *builder) user() store.Value { return b.ref("systemuser", b.fewest("systemuser")) }

func (b *builder) fewest(table string) int {
	f := b.r.Float64()
	return int(f * f * f * float64(b.cast.pools[table].len()))
}

// shuffled is place i of n places in another order, the same every time: neighbours end up apart.
func shuffled(i, n int) int { return int(uint64(i) * 0x9e3779b1 % uint64(max(n, 1))) }
