package verify

import (
	"bytes"
	"context"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"lakelink"
)

// explain reads the rows that are to be described once more, on both sides, and names the columns
// in which they differ. The source is read again only where it has such a row, and no further than
// to the last one. What was counted stands, whether or not this succeeds: an example then lacks its
// values.
func (c *comparison) explain(ctx context.Context) {
	wanted := map[lakelink.ID]bool{}
	for _, s := range c.sides {
		for _, f := range s.examples {
			if f.kind != Extra {
				wanted[f.id] = true
			}
		}
	}
	source := described{}
	if len(wanted) > 0 {
		source.collect(newDigester(c.Table, rule{}), c.Source.Feed(ctx, c.Table, ""), wanted, true)
	}
	for _, s := range c.sides {
		s.explain(ctx, source)
	}
}

func (s *side) explain(ctx context.Context, source described) {
	if len(s.examples) == 0 {
		return
	}
	wanted := map[lakelink.ID]bool{}
	for _, f := range s.examples {
		wanted[f.id] = true
	}
	lake := described{}
	lake.collect(newDigester(s.c.Table, rule{}), s.snapshot.Batches(ctx), wanted, false)
	for _, f := range s.examples {
		e := Example{ID: f.id, Kind: f.kind}
		sourceRow, lakeRow := source[f.id], lake[f.id]
		if sourceRow.state == live {
			e.SourceVersion = sourceRow.version
		}
		if lakeRow.state == live {
			e.LakeVersion = lakeRow.version
		}
		if sourceRow.state == live && lakeRow.state == live {
			e.Columns = s.rule.differences(s.c.Table, sourceRow, lakeRow)
		}
		s.result.Examples = append(s.result.Examples, e)
	}
}

// described are rows by id.
type described map[lakelink.ID]description

// A description is a row's fields, in canonical form and as text, in the order of the schema.
type description struct {
	version int64
	state   state
	forms   [][]byte
	texts   []*string
}

// collect describes the wanted rows among batches: of each the image that holds. Where each row
// comes once, it stops when it has them all. An error ends it with what it has.
func (d described) collect(dig *digester, batches iter.Seq2[*lakelink.Batch, error], wanted map[lakelink.ID]bool, once bool) {
	for b, err := range batches {
		if err != nil || d.collectRows(dig, b, wanted) != nil {
			return
		}
		for _, gone := range b.Deletes {
			if wanted[gone.ID] && d[gone.ID].version <= gone.Version {
				d[gone.ID] = description{version: gone.Version, state: deleted}
			}
		}
		if once && len(d) == len(wanted) {
			return
		}
	}
}

func (d described) collectRows(dig *digester, b *lakelink.Batch, wanted map[lakelink.ID]bool) error {
	if b.Rows == nil {
		return nil
	}
	rows, err := dig.open(b.Rows)
	if err != nil {
		return err
	}
	for i := range b.NumRows() {
		if id := lakelink.ID(rows.ids.Value(i)); wanted[id] && d[id].version <= rows.versions.Value(i) {
			d[id] = rows.describe(i)
		}
	}
	return nil
}

func (r *rows) describe(i int) description {
	d := description{version: r.versions.Value(i), state: live}
	for c, col := range r.columns {
		d.forms = append(d.forms, r.appendField(nil, c, i))
		d.texts = append(d.texts, textOf(col, i))
	}
	return d
}

func textOf(col arrow.Array, i int) *string {
	if col.IsNull(i) {
		return nil
	}
	text := strings.Clone(col.ValueStr(i))
	if ids, ok := col.(*array.FixedSizeBinary); ok {
		text = lakelink.ID(ids.Value(i)).String()
	}
	return &text
}

// same reports whether two fields are alike as far as the rule goes.
func (r rule) same(f lakelink.Field, source, lake description, i int) bool {
	if bytes.Equal(source.forms[i], lake.forms[i]) {
		return true
	}
	empty := func(text *string) bool { return text == nil || *text == "" }
	return r.emptyIsNull && arrow.TypeEqual(f.ArrowType(), arrow.BinaryTypes.String) &&
		empty(source.texts[i]) && empty(lake.texts[i])
}

// differences names the fields in which two rows differ, the version among them.
func (r rule) differences(t *lakelink.Table, source, lake description) []ColumnDifference {
	var all []ColumnDifference
	for i, f := range t.Fields() {
		if f.Column.Calculated || r.same(f, source, lake, i) {
			continue
		}
		from := 0
		if a, b := source.texts[i], lake.texts[i]; a != nil && b != nil {
			from = max(commonPrefix(*a, *b)-textBefore, 0)
		}
		d := ColumnDifference{Column: f.Name, Source: excerpt(source.texts[i], from), Lake: excerpt(lake.texts[i], from)}
		all = append(all, d)
	}
	return all
}

// What is shown of a long text: so many bytes, and so many of them before the first difference.
const (
	textShown  = 200
	textBefore = 20
)

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// excerpt cuts a long text down to a part that begins near from.
func excerpt(text *string, from int) *string {
	if text == nil || len(*text) <= textShown {
		return text
	}
	s := *text
	to := min(from+textShown, len(s))
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	for to > from && to < len(s) && !utf8.RuneStart(s[to]) {
		to--
	}
	out := s[from:to]
	if from > 0 {
		out = "…" + out
	}
	if to < len(s) {
		out += "…"
	}
	return &out
}
