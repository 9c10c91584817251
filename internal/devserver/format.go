package devserver

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// A formatter makes formatted values: what a column looks like to a user of the United States.
type formatter struct {
	ctx   context.Context
	store *store.Store
	snap  *store.Snapshot
	names map[store.Ref]string // of the rows lookups point to
}

func newFormatter(ctx context.Context, st *store.Store, snap *store.Snapshot) *formatter {
	return &formatter{ctx, st, snap, map[store.Ref]string{}}
}

// value formats a JSON literal of a column; ok is false for columns that are shown as they are.
func (f *formatter) value(c *schema.Column, target, literal []byte, values [][]byte, slots []int16, t *store.Table) (text string, ok bool) {
	switch c.Type {
	case schema.Picklist, schema.State, schema.Status:
		return label(c, string(literal)), true
	case schema.MultiSelectPicklist:
		var labels []string
		for part := range strings.SplitSeq(plain(literal), ",") {
			labels = append(labels, label(c, part))
		}
		return strings.Join(labels, "; "), true
	case schema.Boolean:
		return label(c, map[string]string{"true": "1"}[string(literal)]), true
	case schema.Integer, schema.BigInt:
		return groupDigits(string(literal)), true
	case schema.Money:
		return f.money(c, string(literal), values, slots, t), true
	case schema.Decimal, schema.Double:
		return groupDigits(cutDecimals(string(literal), c.Precision)), true
	case schema.DateTime:
		return formatDate(c, plain(literal)), true
	case schema.Lookup, schema.Customer, schema.Owner:
		id, err := store.ParseID(plain(literal))
		if err != nil {
			return "", false
		}
		name := f.name(store.Ref{Table: string(target), ID: id})
		return name, name != ""
	}
	return "", false
}

// name is the primary name of the row that ref points to, "" if there is none.
func (f *formatter) name(ref store.Ref) string {
	if name, ok := f.names[ref]; ok {
		return name
	}
	name := ""
	if t := f.store.Table(ref.Table); t != nil && t.PrimaryName != "" {
		if row, _, err := f.snap.Get(f.ctx, t.Table, ref.ID); err == nil {
			name = row.String(t.PrimaryName)
		}
	}
	f.names[ref] = name
	return name
}

// money formats an amount with the symbol of its row's currency, where the row shows it, or of
// the base currency.
func (f *formatter) money(c *schema.Column, literal string, values [][]byte, slots []int16, t *store.Table) string {
	symbol := "$"
	if currency := t.Column("transactioncurrencyid"); c.CalculationOf == "" && currency != nil && slots[currency.Number] != 0 {
		_, id := store.SplitRef(values[slots[currency.Number]-1])
		if id, err := store.ParseID(plain(id)); err == nil {
			symbol = f.symbol(id)
		}
	}
	amount := groupDigits(cutDecimals(literal, 2))
	if rest, negative := strings.CutPrefix(amount, "-"); negative {
		return "(" + symbol + rest + ")"
	}
	return symbol + amount
}

func (f *formatter) symbol(currency store.ID) string {
	key := store.Ref{Table: "currencysymbol", ID: currency}
	if symbol, ok := f.names[key]; ok {
		return symbol
	}
	symbol := "$"
	if row, _, err := f.snap.Get(f.ctx, f.store.Table("transactioncurrency").Table, currency); err == nil {
		if s := row.String("currencysymbol"); s != "" {
			symbol = s
		}
	}
	f.names[key] = symbol
	return symbol
}

func label(c *schema.Column, value string) string {
	n, _ := strconv.Atoi(strings.TrimSpace(value))
	o, _ := c.Option(n)
	return o.Label
}

// plain is the text of a string literal.
func plain(literal []byte) string {
	text, err := jsontext.AppendUnquote(nil, literal)
	if err != nil {
		return ""
	}
	return string(text)
}

func formatDate(c *schema.Column, text string) string {
	if c.Behavior == schema.DateOnly {
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			return day.Format("1/2/2006")
		}
		return text
	}
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return text
	case c.Format == "DateOnly":
		return at.Format("1/2/2006")
	}
	return at.Format("1/2/2006 3:04 PM")
}

// cutDecimals shows a number with a number of decimals, cutting off what is beyond.
func cutDecimals(literal string, decimals int) string {
	whole, fraction, _ := strings.Cut(literal, ".")
	if decimals == 0 {
		return whole
	}
	return whole + "." + (fraction + strings.Repeat("0", decimals))[:decimals]
}

// groupDigits puts commas between thousands.
func groupDigits(number string) string {
	whole, fraction, point := strings.Cut(number, ".")
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}
