package dataverse

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lakelink"
)

// maxURL is how long a link of ours may get. The environment takes 32,768 characters (§1.6), and
// its own nextLinks add a cookie to what we have asked for.
const maxURL = 28000

// relative turns a link that the environment gave into one relative to the API root, and leaves it
// otherwise as it is (§3.2). A link to another host is refused: it would take the token there.
func (c *Client) relative(link string) (string, error) {
	schemeHost, path, ok := cutOrigin(link)
	if ok && !strings.EqualFold(schemeHost, c.origin) && !samePort(schemeHost, c.origin) {
		return "", fmt.Errorf("the environment's link leads to another host, %s", schemeHost)
	}
	rest, ok := strings.CutPrefix(path, "/api/data/v")
	if !ok {
		return "", fmt.Errorf("the environment's link leads out of its Web API")
	}
	_, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return "", fmt.Errorf("the environment's link leads out of its Web API")
	}
	return rest, nil
}

// cutOrigin splits scheme and host from the rest of a link, which stays as it is.
func cutOrigin(link string) (origin, rest string, ok bool) {
	scheme := strings.Index(link, "://")
	if scheme < 0 || strings.IndexByte(link, '/') < scheme {
		return "", link, false
	}
	if end := strings.IndexByte(link[scheme+3:], '/'); end >= 0 {
		return link[:scheme+3+end], link[scheme+3+end:], true
	}
	return link, "", true
}

// samePort reports whether two origins differ only in a default port that one of them names.
func samePort(a, b string) bool {
	ua, err := url.Parse(a)
	ub, err2 := url.Parse(b)
	if err != nil || err2 != nil || ua.User != nil {
		return false
	}
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.EqualFold(ua.Scheme, ub.Scheme) && strings.EqualFold(ua.Hostname(), ub.Hostname()) && port(ua) == port(ub)
}

// A selection is how the columns of a table are asked for.
type selection struct {
	query string // "$select=…&", or "" where it would be too long: all columns come then
	hash  string // of the properties, whatever their order
}

func (c *Client) selection(t *lakelink.Table) selection {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = property(&t.Columns[i])
	}
	query := "$select=" + strings.Join(names, ",") + "&"
	if len(c.api)+len(t.EntitySet)+len(query) > maxURL {
		query = ""
	}
	slices.Sort(names)
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(names, ",")))
	return selection{query, strconv.FormatUint(h.Sum64(), 36)}
}

var deltaTokenItem = regexp.MustCompile(`(?i)[?&](?:\$|%24)deltatoken=([^&]+)`)

// deltaToken takes the token out of a deltaLink, as it stands there. The rest of the link is made
// anew for each read, so that it has the columns of the day (§4.5).
func deltaToken(link string) (string, bool) {
	m := deltaTokenItem.FindStringSubmatch(link)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// tokenVersion reads the row version that a token starts with (§4.1).
func tokenVersion(token string) (int64, bool) {
	plain, err := url.PathUnescape(token)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(plain[:digits([]byte(plain))], 10, 64)
	return n, err == nil && n > 0
}

var (
	maxTimestamp = regexp.MustCompile(`(?i)maxtimestamp\s*=\s*(?:"|'|&quot;|&apos;|&#39;)?(\d+)`)
	isTracking   = regexp.MustCompile(`(?i)istracking\s*=\s*(?:"|'|&quot;|&apos;|&#39;)?false`)
)

// A cookie is what can be read of the paging cookie in a nextLink. Its inner form is not documented
// and has been seen in production only (§4.1): nothing may depend on finding anything in it.
type cookie struct {
	bound     int64 // row version that a tracked read goes up to; 0 if not told
	untracked bool  // the environment says that it does not track this read
}

func readCookie(link string) cookie {
	var c cookie
	for range 4 { // XML in XML, encoded once per layer
		c.untracked = c.untracked || isTracking.MatchString(link)
		if m := maxTimestamp.FindStringSubmatch(link); m != nil && c.bound == 0 {
			c.bound, _ = strconv.ParseInt(m[1], 10, 64)
		}
		plain, err := url.PathUnescape(link)
		if err != nil || plain == link {
			break
		}
		link = plain
	}
	return c
}
