package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

// pageRows is the largest page of a standard table.
const pageRows = 5000

// gzipLevel is a middling one, as servers that compress while they answer use.
const gzipLevel = 4

// A pageSet is a tracked read of the whole table, recorded: a file per page, compressed or not.
type pageSet struct {
	dir  string
	api  string // root of the Web API, which links repeat
	rows int
	gzip bool
}

func (p *pageSet) count() int { return max(1, (p.rows+pageRows-1)/pageRows) }

func (p *pageSet) file(page int) string { return filepath.Join(p.dir, fmt.Sprintf("%06d", page)) }

// highest is the version that the whole read is bounded by.
func (p *pageSet) highest() int { return firstVersion + p.rows }

// write makes all pages.
func (p *pageSet) write(ctx context.Context) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for page := range p.count() {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			body := p.page(page)
			if p.gzip {
				body = compressed(body)
			}
			return os.WriteFile(p.file(page), body, 0o644)
		})
	}
	return g.Wait()
}

func compressed(body []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzipLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	z.Write(body) //nolint:errcheck // to memory
	z.Close()     //nolint:errcheck
	return out.Bytes()
}

// page is one answer of the tracked read.
func (p *pageSet) page(page int) []byte {
	g := rowGen{b: make([]byte, 0, 8<<20)}
	g.b = append(append(g.b, p.context()...), `"value":[`...)
	for n := page * pageRows; n < min(p.rows, (page+1)*pageRows); n++ {
		if n > page*pageRows {
			g.b = append(g.b, ',')
		}
		g.row(n)
	}
	g.b = append(g.b, ']')
	if page+1 < p.count() {
		g.b = append(append(append(g.b, `,"@odata.nextLink":"`...), p.nextLink(page+1)...), `"}`...)
		return g.b
	}
	return append(append(append(g.b, `,"@odata.deltaLink":"`...), p.deltaLink()...), `"}`...)
}

// unchanged is the answer to a read of what changed since the delta token: nothing.
func (p *pageSet) unchanged() []byte {
	return []byte(p.context() + `"value":[],"@odata.deltaLink":"` + p.deltaLink() + `"}`)
}

// first is a page of a single row, which a client asks for to learn the highest version.
func (p *pageSet) first() []byte {
	return []byte(p.context() + `"value":[],"@odata.nextLink":"` + p.nextLink(1) + `"}`)
}

func (p *pageSet) context() string {
	return `{"@odata.context":"` + p.api + `$metadata#` + entitySet + `(` + strings.Join(selected(), ",") + `)/$delta",`
}

func selected() []string {
	names := make([]string, len(columnDefs))
	for i := range columnDefs {
		names[i] = columnDefs[i].property()
	}
	return names
}

func (p *pageSet) link(token string) string {
	return p.api + entitySet + "?$select=" + strings.Join(selected(), ",") + "&" + token
}

func (p *pageSet) deltaLink() string {
	return p.link(fmt.Sprintf("$deltatoken=%d%%2111%%2f01%%2f2026%%2012%%3a00%%3a00", p.highest()))
}

// nextLink has the cookie of a tracked read: XML in XML, encoded twice.
func (p *pageSet) nextLink(page int) string {
	inner := fmt.Sprintf(`<cookie page="%d" minTimestamp="0" maxTimestamp="%d"><versionnumber last="%d" /></cookie>`,
		page, p.highest(), firstVersion+page*pageRows-1)
	return p.link("$skiptoken=" + url.PathEscape(fmt.Sprintf(`<cookie pagenumber="%d" pagingcookie="%s" istracking="True" />`,
		page+1, url.PathEscape(inner))))
}
