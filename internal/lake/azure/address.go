package azure

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"lakelink"
	"lakelink/internal/lake"
)

// An address is where a lake is.
type address struct {
	account   string
	suffix    string // of the cloud: "core.windows.net"
	container string
	dir       string // in the container, without slashes at its ends
	blob, dfs string // endpoints of the account
}

const how = "write it like abfss://container@account.dfs.core.windows.net/folder"

// Azure's rules for containers and accounts.
var (
	containerName = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
	accountName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{2,62}$`)
)

// Is reports whether a URL is of a kind that Open understands.
func Is(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, _, ok := splitHost(u.Hostname())
	return strings.EqualFold(u.Scheme, "abfss") || strings.EqualFold(u.Scheme, "https") && ok
}

// parse understands the address that Spark and Synapse use, and the https: URLs that the portal shows.
func parse(raw, endpoint string) (address, error) {
	invalid := func(why, hint string) (address, error) {
		return address{}, &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: errors.New(why), Hint: hint}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return invalid("the address is not a URL", how) // err repeats the address, which may hold a SAS
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return invalid(fmt.Sprintf("%s://%s%s has a ? or # in its address", u.Scheme, u.Host, u.Path),
			"leave the shared access signature out of the address and set AZURE_STORAGE_SAS_TOKEN; write ? and # as %3F and %23")
	}
	if _, has := u.User.Password(); has {
		return invalid(fmt.Sprintf("%s: the address has a password in it", u.Redacted()), how)
	}
	var at address
	account, suffix, ok := splitHost(u.Hostname())
	switch {
	case !ok || u.Port() != "":
		return invalid(fmt.Sprintf("%q is not the host of a storage account", u.Host), how)
	case strings.EqualFold(u.Scheme, "abfss"):
		at = address{container: u.User.Username(), dir: u.Path}
	case strings.EqualFold(u.Scheme, "https") && u.User == nil:
		at.container, at.dir, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	default:
		return invalid(fmt.Sprintf("%q is not an address of a lake in Azure", raw), how)
	}
	at.account, at.suffix, at.dir = account, suffix, strings.Trim(at.dir, "/")
	if !containerName.MatchString(at.container) {
		return invalid(fmt.Sprintf("%q cannot be the name of a container", at.container), how)
	}
	if at.dir != "" {
		if err := lake.CheckName("open lake", at.dir); err != nil {
			return address{}, err
		}
	}
	return at.endpoints(endpoint)
}

// splitHost takes account.dfs.suffix or account.blob.suffix apart.
func splitHost(host string) (account, suffix string, ok bool) {
	host = strings.ToLower(host)
	for _, service := range []string{".dfs.", ".blob."} {
		if account, suffix, ok = strings.Cut(host, service); ok {
			return account, suffix, suffix != "" && accountName.MatchString(account)
		}
	}
	return "", "", false
}

func (a address) endpoints(override string) (address, error) {
	a.blob = "https://" + a.account + ".blob." + a.suffix
	a.dfs = "https://" + a.account + ".dfs." + a.suffix
	if override == "" {
		return a, nil
	}
	u, err := url.Parse(override)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return address{}, &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid,
			Err: errors.New("the endpoint is not an http: or https: URL without a query"), Hint: "write it like http://127.0.0.1:10000/devstoreaccount1"}
	}
	a.blob = strings.TrimRight(override, "/")
	a.dfs = strings.Replace(a.blob, ".blob.", ".dfs.", 1)
	return a, nil
}

// String is the address as a user writes it.
func (a address) String() string {
	u := url.URL{Scheme: "abfss", User: url.User(a.container), Host: a.account + ".dfs." + a.suffix}
	if a.dir != "" {
		u.Path = "/" + a.dir
	}
	return u.String()
}

// full is the name of the blob that holds an object.
func (a address) full(name string) string {
	if a.dir == "" {
		return name
	}
	return a.dir + "/" + name
}

// relative is the name of the object in a blob of the lake.
func (a address) relative(blob string) string {
	if a.dir == "" {
		return blob
	}
	return strings.TrimPrefix(blob, a.dir+"/")
}
