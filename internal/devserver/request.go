package devserver

import (
	"net/http"
	"net/url"
	"strings"
)

// A request is a request to the Web API, taken apart.
type request struct {
	*http.Request
	server  *Server
	id      string // REQ_ID
	root    string // scheme and host, as the client called us
	api     string // root/api/data/v9.2/
	path    []segment
	options []option
	prefer  preferences
	caller  caller
}

// A segment is one part of the path: "accounts", "accounts(…)", "$count".
type segment struct {
	name  string
	keyed bool
	key   string // between the parentheses
}

// An option is one part of the query, decoded.
type option struct{ name, value string }

func newRequest(s *Server, hr *http.Request, version string) *request {
	scheme := "http"
	if hr.TLS != nil {
		scheme = "https"
	}
	if proto := hr.Header.Get("X-Forwarded-Proto"); proto == "http" || proto == "https" {
		scheme = proto
	}
	r := &request{Request: hr, server: s, id: newGUID(), root: scheme + "://" + hr.Host}
	r.api = r.root + "/api/data/" + version + "/"
	r.prefer = parsePrefer(hr.Header.Values("Prefer"))
	return r
}

// parse takes the URL apart.
func (r *request) parse() error {
	rest := strings.TrimPrefix(r.URL.Path, "/api/data/")
	_, rest, _ = strings.Cut(rest, "/")
	for _, part := range splitPath(rest) {
		name, key, keyed := strings.Cut(part, "(")
		if keyed {
			var closed bool
			if key, closed = strings.CutSuffix(key, ")"); !closed {
				return badRequest("Bad Request - Error in query syntax.")
			}
		}
		r.path = append(r.path, segment{name, keyed, key})
	}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		r.options = append(r.options, option{unescape(name), unescape(value)})
	}
	return nil
}

// option returns a query option, and whether it is there.
func (r *request) option(name string) (string, bool) {
	for _, o := range r.options {
		if o.name == name {
			return o.value, true
		}
	}
	return "", false
}

// unescape decodes a part of a query. Clients send blanks as %20, as + and raw.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// splitPath splits at slashes outside of parentheses and quotes.
func splitPath(path string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i := 0; i <= len(path); i++ {
		if i == len(path) || path[i] == '/' && depth == 0 && !quoted {
			if i > start {
				parts = append(parts, path[start:i])
			}
			start = i + 1
			continue
		}
		switch path[i] {
		case '\'':
			quoted = !quoted
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	return parts
}

// link builds a URL of this request's collection: its path and options, with one option more.
// Options that place a page are replaced by it. more is encoded already.
func (r *request) link(set, more string) string {
	var b strings.Builder
	b.WriteString(r.api + set + "?")
	for _, o := range r.options {
		switch o.name {
		case "$skiptoken", "$deltatoken":
			continue
		}
		b.WriteString(escape(o.name, "$") + "=" + escape(o.value, "$,()'*:/@=;!") + "&")
	}
	b.WriteString(more)
	return b.String()
}

// escape encodes s for a query; the bytes of safe stay as they are, as on the original.
func escape(s, safe string) string { return escapeHex(s, safe, "0123456789ABCDEF") }

// escapeLower is escape with lower-case digits, which the platform's tokens and cookies have.
func escapeLower(s, safe string) string { return escapeHex(s, safe, "0123456789abcdef") }

func escapeHex(s, safe, digits string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/2)
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~' || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}
