package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lakelink"
	"lakelink/internal/devserver/store"
	"lakelink/internal/format/cdm"
	"lakelink/internal/format/delta"
	"lakelink/internal/lake/local"
	"lakelink/internal/replicate"
	"lakelink/internal/verify"
)

// The tables of the lake that is damaged. Between them they have every column type that is replicated.
var damaged = []lakelink.TableName{"account", "contact", "opportunity", "new_device", "new_device_contact"}

// TestVerifyFindsDamage damages copies of one small lake, and compares each with the live environment.
func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	t.Run("none", func(t *testing.T) { p.copy(t).wantEqual(damaged...) })
	t.Run("delta", func(t *testing.T) { deltaCases(t, p) })
	t.Run("incremental", func(t *testing.T) { incrementalCases(t, p) })
	t.Run("random", func(t *testing.T) { randomCases(t, p) })
}

// A patient is a lake that agrees with its environment, and what is needed to harm copies of it.
type patient struct {
	*job
	source lakelink.Source
	defs   map[lakelink.TableName]*lakelink.Table
	writer lakelink.IntervalWriter
	open   map[lakelink.TableName][]lakelink.TableWriter
	at     map[lakelink.TableName]lakelink.Checkpoint

	changed []lakelink.ID // accounts changed last, in the newest commit and folder
	added   lakelink.ID   // account created last, in the newest commit and folder
	gone    []lakelink.ID // accounts deleted last, in the newest commit and folder
	steady  []lakelink.ID // accounts that were never changed
}

// newPatient makes the lake: a load of each table, one round of changes, and a second one of accounts
// alone. It takes the steps of a link by hand, as nothing here is to wait for a clock. Contacts are
// changed so often that their log has a checkpoint.
func newPatient(t *testing.T) *patient {
	p := &patient{job: newJob(t, 2300), defs: map[lakelink.TableName]*lakelink.Table{},
		open: map[lakelink.TableName][]lakelink.TableWriter{}, at: map[lakelink.TableName]lakelink.Checkpoint{}}
	ctx := t.Context()
	l := lakelink.Link{Name: "e2e", ID: "2c8f1c1e-5b1e-4a9e-8f11-0d6a1f1f3c55", Tables: damaged,
		Environment: lakelink.EnvironmentRef{URL: p.env.URL, ClientID: p.env.ClientID}}
	conn, err := p.job.open(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p.source = conn.Source
	if _, err := conn.Claim(ctx, l); err != nil {
		t.Fatal(err)
	}
	var defs []*lakelink.Table
	for _, name := range damaged {
		def, err := p.source.Table(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		p.defs[name], defs = def, append(defs, def)
	}
	accounts := p.env.Fill("account", 8)
	p.openTables(conn, l, defs)

	for _, name := range damaged {
		p.load(name)
	}
	p.closeFolder()

	p.steady = ids(accounts[6:])
	for _, id := range accounts[:4] {
		p.env.Patch("account", id, map[string]store.Value{"telephone2": "+1 555 0100"})
	}
	p.env.Delete("account", accounts[5])
	devices := p.env.Fill("new_device", 3)
	contacts := p.env.Fill("contact", 2)
	p.follow("account", "new_device")
	for range 22 {
		p.env.Patch("contact", contacts[0], map[string]store.Value{"jobtitle": "Owner"})
		p.follow("contact")
	}
	p.closeFolder()

	for _, id := range accounts[2:4] {
		p.env.Patch("account", id, map[string]store.Value{"telephone2": "+1 555 0199"})
	}
	p.env.Delete("account", accounts[4])
	p.changed, p.gone = ids(accounts[2:4]), ids(accounts[4:5])
	p.added = ids(p.env.Fill("account", 1))[0]
	p.env.Patch("new_device", devices[0], map[string]store.Value{"new_name": "Renamed"})
	p.follow("account", "new_device")
	p.closeFolder()
	return p
}

func ids(in []store.ID) []lakelink.ID {
	var out []lakelink.ID
	for _, id := range in {
		out = append(out, lakelink.ID(id))
	}
	return out
}

func (p *patient) openTables(conn *replicate.Connection, l lakelink.Link, defs []*lakelink.Table) {
	p.t.Helper()
	writers, err := conn.Writers(p.t.Context(), l, defs)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		for _, w := range writers {
			w.Close()
		}
	})
	for _, w := range writers {
		if iw, ok := w.(lakelink.IntervalWriter); ok {
			p.writer = iw
		}
		for _, def := range defs {
			tw, err := w.Table(p.t.Context(), def)
			if err != nil {
				p.t.Fatal(err)
			}
			p.open[def.Name] = append(p.open[def.Name], tw)
		}
	}
}

// load brings a table into both formats.
func (p *patient) load(name lakelink.TableName) {
	p.t.Helper()
	ctx := p.t.Context()
	var loads []lakelink.LoadWriter
	for _, w := range p.open[name] {
		l, err := w.Load(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		loads = append(loads, l)
	}
	for b, err := range p.source.Feed(ctx, p.defs[name], "") {
		if err != nil {
			p.t.Fatal(err)
		}
		for _, l := range loads {
			if err := l.Write(ctx, b); err != nil {
				p.t.Fatal(err)
			}
			if !b.Done {
				continue
			}
			if err := l.Stage(ctx, b.Next); err != nil {
				p.t.Fatal(err)
			}
			if err := l.Finish(ctx, b.Next); err != nil {
				p.t.Fatal(err)
			}
		}
		p.at[name] = b.Next.Checkpoint
	}
}

// follow brings what changed in tables into both formats.
func (p *patient) follow(names ...lakelink.TableName) {
	p.t.Helper()
	ctx := p.t.Context()
	for _, name := range names {
		for b, err := range p.source.Feed(ctx, p.defs[name], p.at[name]) {
			if err != nil {
				p.t.Fatal(err)
			}
			for _, w := range p.open[name] {
				if err := w.Write(ctx, b); err != nil {
					p.t.Fatal(err)
				}
				if !b.Done {
					continue
				}
				if err := w.Commit(ctx, b.Next); err != nil {
					p.t.Fatal(err)
				}
			}
			p.at[name] = b.Next.Checkpoint
		}
	}
}

func (p *patient) closeFolder() {
	p.t.Helper()
	if err := p.writer.CloseInterval(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// A lakeCopy is a copy of the patient's lake that a test may damage. The tests take turns with one copy:
// what was done to it is undone at the end of each.
type lakeCopy struct {
	*patient
	t   *testing.T
	dir string
}

func (p *patient) copy(t *testing.T) *lakeCopy {
	t.Helper()
	dir := filepath.Join(p.job.dir, "copy")
	if _, err := os.Stat(dir); err != nil {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(p.job.dir, "lake"))); err != nil {
			t.Fatal(err)
		}
	}
	return &lakeCopy{patient: p, t: t, dir: dir}
}

func (c *lakeCopy) path(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

func (c *lakeCopy) read(name string) []byte {
	c.t.Helper()
	b, err := os.ReadFile(c.path(name))
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// write replaces a file.
func (c *lakeCopy) write(name string, b []byte) {
	c.t.Helper()
	old := c.read(name)
	c.t.Cleanup(func() { c.must(os.WriteFile(c.path(name), old, 0o600)) })
	c.must(os.WriteFile(c.path(name), b, 0o600))
}

func (c *lakeCopy) remove(name string) {
	c.t.Helper()
	c.rename(name, "../removed")
}

func (c *lakeCopy) rename(from, to string) {
	c.t.Helper()
	c.t.Cleanup(func() { c.must(os.Rename(c.path(to), c.path(from))) })
	c.must(os.Rename(c.path(from), c.path(to)))
}

func (c *lakeCopy) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// files lists the files of the lake whose name has that beginning, by name.
func (c *lakeCopy) files(prefix string) []string {
	c.t.Helper()
	var names []string
	err := filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(c.dir, path)
		if name = filepath.ToSlash(name); strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// verify compares a table in both formats, or in those given.
func (c *lakeCopy) verify(table lakelink.TableName, formats ...lakelink.Format) (map[lakelink.Format]verify.Result, error) {
	lake, err := local.Open(c.dir)
	if err != nil {
		return nil, err
	}
	readers := []lakelink.Reader{cdm.NewReader(lake), delta.NewReader(lake)}
	if len(formats) > 0 {
		readers = slices.DeleteFunc(readers, func(r lakelink.Reader) bool { return !slices.Contains(formats, r.Format()) })
	}
	results, err := verify.Table(context.WithoutCancel(c.t.Context()), verify.Options{Source: c.source, Table: c.defs[table],
		Readers: readers, Examples: 100, TempDir: c.job.dir})
	if err != nil {
		return nil, err
	}
	out := map[lakelink.Format]verify.Result{}
	for _, r := range results {
		out[r.Format] = r
	}
	return out, nil
}

// A finding is what verify is to say of one table in one format, and of no other.
type finding struct {
	table                     lakelink.TableName
	format                    lakelink.Format
	missing, extra, different int64
	ids                       []lakelink.ID // of the examples, in any order; not looked at where nil
	columns                   []string      // in which the first example differs; not looked at where nil
	error                     []string      // parts of the error
}

// want runs verify on the damaged table. The other format must be equal.
func (c *lakeCopy) want(f finding) {
	c.t.Helper()
	results, err := c.verify(f.table)
	if err != nil {
		c.t.Fatal(err)
	}
	for format, r := range results {
		switch {
		case format == f.format:
			f.check(c.t, r)
		case !r.Equal():
			c.t.Errorf("%s in %s has no damage: %s", f.table, format, text(r))
		}
	}
}

func (f *finding) check(t *testing.T, r verify.Result) {
	t.Helper()
	for _, part := range f.error {
		if !strings.Contains(r.Error, part) {
			t.Errorf("the error does not say %q: %s", part, text(r))
		}
	}
	if (r.Error != "") != (f.error != nil) || r.Missing != f.missing || r.Extra != f.extra || r.Different != f.different || r.Unsettled != 0 {
		t.Errorf("want %d missing, %d extra, %d different, error %q; got %s", f.missing, f.extra, f.different, f.error, text(r))
	}
	if r.Equal() {
		t.Errorf("verify says that it is equal")
	}
	if f.ids != nil {
		var got []lakelink.ID
		for _, e := range r.Examples {
			got = append(got, e.ID)
		}
		if !slices.Equal(sorted(got), sorted(f.ids)) {
			t.Errorf("the examples are %v, want %v", got, f.ids)
		}
	}
	if f.columns != nil && len(r.Examples) > 0 {
		var got []string
		for _, c := range r.Examples[0].Columns {
			got = append(got, c.Column)
		}
		if !slices.Equal(got, f.columns) {
			t.Errorf("the example differs in %v, want %v", got, f.columns)
		}
	}
}

func sorted(ids []lakelink.ID) []lakelink.ID {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b lakelink.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(out)
}

// wantEqual runs verify on tables that the damage must not concern.
func (c *lakeCopy) wantEqual(tables ...lakelink.TableName) {
	c.t.Helper()
	for _, table := range tables {
		results, err := c.verify(table)
		if err != nil {
			c.t.Fatal(err)
		}
		for format, r := range results {
			if !r.Equal() || r.Rows == 0 {
				c.t.Errorf("%s in %s: %s", table, format, text(r))
			}
		}
	}
}

func text(r verify.Result) string {
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// decode reads JSON without losing digits.
func decode(t *testing.T, b []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
