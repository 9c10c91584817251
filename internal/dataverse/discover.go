package dataverse

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"lakelink"
)

// A cloud is one of the separate installations of Microsoft's services (§1.2).
type cloud struct{ hosts, authority string }

var clouds = []cloud{
	{".crm.microsoftdynamics.us", "https://login.microsoftonline.us"},
	{".crm.appsplatform.us", "https://login.microsoftonline.us"},
	{".crm.dynamics.cn", "https://login.partner.microsoftonline.cn"},
	{".dynamics.com", "https://login.microsoftonline.com"},
}

// authorityHosts are those a client secret may be sent to because an environment says so. Any
// other must be named by the user: whoever answers in the environment's place could else have the
// secret sent to himself.
var authorityHosts = map[string]bool{
	"login.microsoftonline.com":        true,
	"login.windows.net":                true,
	"login.microsoftonline.us":         true,
	"login.partner.microsoftonline.cn": true,
	"login.chinacloudapi.cn":           true,
}

// find sets the token endpoint and the scope, asking the environment for what the user left open.
func (s *signIn) find(ctx context.Context) error {
	if s.endpoint != "" {
		return nil
	}
	authority, tenant, scope := strings.TrimRight(s.authority, "/"), s.tenant, s.origin
	if s.authority != "" {
		if u, err := url.Parse(authority); err != nil || u.Host == "" {
			return badAuthority(s.authority)
		}
	}
	if hasPath(authority) && tenant == "" {
		// The authority was given with the tenant in it.
		authority, tenant = authority[:strings.LastIndexByte(authority, '/')], authority[strings.LastIndexByte(authority, '/')+1:]
	}
	if authority == "" || tenant == "" {
		told, err := s.challenge(ctx)
		if err != nil {
			return err
		}
		if authority == "" {
			authority = told.authority
		}
		if tenant == "" {
			tenant = told.tenant
		}
		if told.resource != "" {
			scope = told.resource
		}
	}
	if authority == "" {
		authority = cloudOf(s.origin)
	}
	if authority == "" {
		return &lakelink.Error{Kind: lakelink.KindSignIn, Err: errors.New("the environment does not tell a token authority that is known"),
			Hint: "give the authority, such as https://login.microsoftonline.com"}
	}
	if tenant == "" || tenant == "common" || tenant == "organizations" {
		return &lakelink.Error{Kind: lakelink.KindSignIn, Err: errors.New("the environment does not tell its tenant"),
			Hint: "give the tenant, by its id or its domain"}
	}
	u, err := url.Parse(authority)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return badAuthority(authority)
	}
	s.endpoint = authority + "/" + url.PathEscape(tenant) + "/oauth2/v2.0/token"
	s.scope = strings.TrimRight(scope, "/") + "/.default"
	return nil
}

func hasPath(authority string) bool {
	u, err := url.Parse(authority)
	return err == nil && strings.Trim(u.Path, "/") != ""
}

// A challenge is what an environment tells about signing in.
type challenge struct{ authority, tenant, resource string }

// challenge asks without a token and reads the refusal (§1.1). Its exact text is not documented,
// so that whatever can be read is taken and the rest left empty.
func (s *signIn) challenge(ctx context.Context) (challenge, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.api+"WhoAmI", nil)
	if err != nil {
		return challenge{}, &lakelink.Error{Kind: lakelink.KindInvalid, Err: err, Hint: hintURL}
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return challenge{}, transportFailure(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody))
		return s.readChallenge(strings.Join(resp.Header.Values("WWW-Authenticate"), ", ")), nil
	}
	if e := readFailure(resp, resp.Body); e.Kind == lakelink.KindTransient || e.Kind == lakelink.KindThrottled {
		return challenge{}, e
	}
	return challenge{}, &lakelink.Error{Kind: lakelink.KindUnreachable, Hint: hintURL,
		Err: errors.New("what answers at this address is not a Dataverse environment")}
}

var challengeItem = regexp.MustCompile(`(?i)\b(authorization(?:_uri)?|resource(?:_id)?)\s*=\s*"?([^",\s]+)`)

func (s *signIn) readChallenge(header string) challenge {
	var c challenge
	for _, m := range challengeItem.FindAllStringSubmatch(header, -1) {
		u, err := url.Parse(m[2])
		if err != nil || u.Host == "" {
			continue
		}
		if strings.HasPrefix(strings.ToLower(m[1]), "resource") {
			if sameEnvironment(u, s.origin) {
				c.resource = u.Scheme + "://" + u.Host
			}
			continue
		}
		if !s.mayTrust(u) {
			continue
		}
		c.authority = u.Scheme + "://" + u.Host
		path, _, _ := strings.Cut(strings.Trim(u.Path, "/"), "/oauth2")
		if at := strings.LastIndexByte(path, '/'); at >= 0 {
			c.authority += "/" + path[:at]
			path = path[at+1:]
		}
		c.tenant = path
	}
	return c
}

// mayTrust reports whether the secret may be sent to an authority that the environment has named:
// Microsoft's own, or the host of the environment itself.
func (s *signIn) mayTrust(u *url.URL) bool {
	own, _ := url.Parse(s.origin)
	switch {
	case u.Scheme == "https" && authorityHosts[strings.ToLower(u.Hostname())]:
		return true
	case own == nil || u.Scheme != own.Scheme || !strings.EqualFold(u.Hostname(), own.Hostname()):
		return false
	}
	return u.Scheme == "https" || isLoopback(u.Hostname())
}

// sameEnvironment reports whether a resource is the environment: contoso.api.crm4.dynamics.com and
// contoso.crm4.dynamics.com are one, and tokens are made for the latter.
func sameEnvironment(resource *url.URL, origin string) bool {
	own, err := url.Parse(origin)
	return err == nil && resource.Scheme == own.Scheme &&
		strings.EqualFold(resource.Host, strings.Replace(own.Host, ".api.", ".", 1)) ||
		err == nil && resource.Scheme == own.Scheme && strings.EqualFold(resource.Host, own.Host)
}

func cloudOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	for _, c := range clouds {
		if strings.HasSuffix(strings.ToLower(u.Hostname()), c.hosts) {
			return c.authority
		}
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
