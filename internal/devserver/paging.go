package devserver

import (
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"lakelink/internal/devserver/odata"
	"lakelink/internal/devserver/store"
)

// A cookie is a place in a paged read. Its form is the original's, XML in XML: the outer element
// has the page number, the inner one the first and last row of the page before. For ordinary
// reads that is each term of the order and the primary key; tracked reads go by version and have
// the range of versions they are about.
//
//	<cookie pagenumber="2" pagingcookie="(inner)" istracking="False" />
//	<cookie page="1"><name last="x" first="a" /><accountid last="{…}" first="{…}" /></cookie>
//	<cookie page="1" minTimestamp="0" maxTimestamp="919042"><versionnumber last="918000" first="900001" />…</cookie>
type cookie struct {
	page  int // number of the page it leads to
	track bool
	terms []cookieTerm

	// Tracked reads.
	after, through int64
	done           int64 // the last version served
	deletions      bool  // whether done is that of a deletion: the rows before them are all served
}

// A cookieTerm is one value that places a row.
type cookieTerm struct {
	name        string
	last, first string
	null        bool // last is null
}

// The names of the elements that place a tracked read.
const (
	versionTerm  = "versionnumber"
	deletionTerm = "deleted"
)

// String returns the cookie as a value of $skiptoken, encoded as the original encodes it: the
// inner element once more than the outer.
func (c cookie) String() string {
	var in strings.Builder
	fmt.Fprintf(&in, `<cookie page="%d"`, c.page-1)
	if c.track {
		fmt.Fprintf(&in, ` minTimestamp="%d" maxTimestamp="%d"`, c.after, c.through)
	}
	in.WriteByte('>')
	if c.track {
		name := versionTerm
		if c.deletions {
			name = deletionTerm
		}
		fmt.Fprintf(&in, `<%s last="%d" />`, name, c.done)
	}
	for _, t := range c.terms {
		fmt.Fprintf(&in, `<%s last="%s" first="%s"`, t.name, escapeXML(t.last), escapeXML(t.first))
		if t.null {
			in.WriteString(` lastnull="1"`)
		}
		in.WriteString(" />")
	}
	in.WriteString("</cookie>")
	tracking := "False"
	if c.track {
		tracking = "True"
	}
	return escape(fmt.Sprintf(`<cookie pagenumber="%d" pagingcookie="%s" istracking="%s" />`,
		c.page, escapeLower(in.String(), ""), tracking), "=/")
}

func escapeXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // to memory: cannot fail
	return b.String()
}

// parseCookie reads a $skiptoken. Clients decode and encode links anew, some once too often, so
// the inner element is decoded until it is XML.
func parseCookie(token string) (cookie, error) {
	bad := &apiError{400, codeCookie, "The paging cookie is not valid."}
	for range 2 {
		if !strings.HasPrefix(strings.TrimSpace(token), "<") {
			token, _ = url.PathUnescape(token)
		}
	}
	var outer struct {
		Page     int    `xml:"pagenumber,attr"`
		Inner    string `xml:"pagingcookie,attr"`
		Tracking string `xml:"istracking,attr"`
	}
	if err := xml.Unmarshal([]byte(token), &outer); err != nil || outer.Page < 2 {
		return cookie{}, bad
	}
	text := outer.Inner
	for range 3 {
		if strings.HasPrefix(text, "<") {
			break
		}
		if strings.HasPrefix(text, "&lt;") {
			text = html.UnescapeString(text)
			continue
		}
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return cookie{}, bad
		}
		text = decoded
	}
	c := cookie{page: outer.Page, track: strings.EqualFold(outer.Tracking, "True")}
	if err := c.parseInner(text); err != nil {
		return cookie{}, bad
	}
	return c, nil
}

func (c *cookie) parseInner(text string) error {
	var in struct {
		Min   int64 `xml:"minTimestamp,attr"`
		Max   int64 `xml:"maxTimestamp,attr"`
		Terms []struct {
			XMLName xml.Name
			Last    string `xml:"last,attr"`
			First   string `xml:"first,attr"`
			Null    string `xml:"lastnull,attr"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(text), &in); err != nil {
		return err
	}
	c.after, c.through, c.done = in.Min, in.Max, in.Min
	for _, t := range in.Terms {
		name := t.XMLName.Local
		if c.track && (name == versionTerm || name == deletionTerm) {
			done, err := strconv.ParseInt(t.Last, 10, 64)
			if err != nil {
				return err
			}
			c.done, c.deletions = done, name == deletionTerm
			continue
		}
		c.terms = append(c.terms, cookieTerm{name, t.Last, t.First, t.Null == "1"})
	}
	return nil
}

// braced is a primary key as cookies have it: upper case, in braces.
func braced(id store.ID) string { return "{" + strings.ToUpper(id.String()) + "}" }

// newCookie places the page after one that ends at last, in the given order.
func newCookie(t *store.Table, page int, order []odata.Order, first, last *store.Position) cookie {
	c := cookie{page: page}
	for i, o := range order {
		c.terms = append(c.terms, cookieTerm{
			name: strings.ReplaceAll(o.Path.String(), "/", "."),
			last: formatTerm(last.Values[i]), first: formatTerm(first.Values[i]),
			null: last.Values[i] == nil,
		})
	}
	c.terms = append(c.terms, cookieTerm{name: t.PrimaryID, last: braced(last.ID), first: braced(first.ID)})
	return c
}

// position is the place a cookie of an ordinary read stands for.
func (c cookie) position(t *store.Table, order []odata.Order) (*store.Position, error) {
	bad := &apiError{400, codeCookie, "The paging cookie does not belong to this query."}
	if c.track || len(c.terms) != len(order)+1 {
		return nil, bad
	}
	p := &store.Position{Values: make([]any, len(order))}
	for i := range order {
		if term := c.terms[i]; !term.null {
			v, err := parseTerm(term.last)
			if err != nil {
				return nil, bad
			}
			p.Values[i] = v
		}
	}
	var err error
	key := c.terms[len(order)]
	if p.ID, err = store.ParseID(key.last); err != nil || key.name != t.PrimaryID {
		return nil, bad
	}
	return p, nil
}

// formatTerm writes a value of an order so that parseTerm knows its type: texts begin with a
// quote, those with characters that XML does not have with a double one, primary keys with a brace.
func formatTerm(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	case string:
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == utf8.RuneError || r > 0xfffd && r < 0x10000 }) {
			return strconv.QuoteToASCII(v)
		}
		return "'" + v
	}
	return ""
}

func parseTerm(s string) (any, error) {
	if text, ok := strings.CutPrefix(s, "'"); ok {
		return text, nil
	}
	if strings.HasPrefix(s, `"`) {
		return strconv.Unquote(s)
	}
	if strings.ContainsAny(s, ".e") {
		return strconv.ParseFloat(s, 64)
	}
	return strconv.ParseInt(s, 10, 64)
}
