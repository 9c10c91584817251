package devserver

import (
	"strconv"
	"strings"
)

// maxPage is the largest page the original serves, and its default.
const maxPage = 5000

// preferences are what the Prefer header asks for.
type preferences struct {
	pageSize       int // 0 if not asked for
	track          bool
	representation bool
	annotations    annotations
	applied        []string // what is honoured, as it was written
}

func parsePrefer(headers []string) preferences {
	var p preferences
	for _, h := range headers {
		for _, item := range splitPrefer(h) {
			name, value, _ := strings.Cut(item, "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "odata.maxpagesize", "maxpagesize":
				n, err := strconv.Atoi(value)
				if err != nil || n < 1 {
					continue
				}
				p.pageSize = min(n, maxPage)
			case "odata.track-changes", "track-changes":
				p.track = true
			case "odata.include-annotations", "include-annotations":
				p.annotations = parseAnnotations(value)
			case "return":
				if value != "representation" {
					continue
				}
				p.representation = true
			default:
				continue
			}
			p.applied = append(p.applied, item)
		}
	}
	return p
}

// splitPrefer splits at commas outside of quotes.
func splitPrefer(h string) []string {
	var items []string
	quoted, start := false, 0
	for i := 0; i <= len(h); i++ {
		if i == len(h) || h[i] == ',' && !quoted {
			if item := strings.TrimSpace(h[start:i]); item != "" {
				items = append(items, item)
			}
			start = i + 1
		} else if h[i] == '"' {
			quoted = !quoted
		}
	}
	return items
}

// page is how many rows a page has.
func (p preferences) page() int {
	if p.pageSize == 0 {
		return maxPage
	}
	return p.pageSize
}

// annotations says which annotations to include.
type annotations []string // names, or prefixes ending in *

// The annotations there are.
const (
	formattedValue   = "OData.Community.Display.V1.FormattedValue"
	lookupTable      = "Microsoft.Dynamics.CRM.lookuplogicalname"
	lookupNavigation = "Microsoft.Dynamics.CRM.associatednavigationproperty"
	totalCount       = "Microsoft.Dynamics.CRM.totalrecordcount"
	totalExceeded    = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
	schemaVersion    = "Microsoft.Dynamics.CRM.globalmetadataversion"
)

func parseAnnotations(list string) annotations {
	var a annotations
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			a = append(a, name)
		}
	}
	return a
}

func (a annotations) include(name string) bool {
	for _, pattern := range a {
		prefix, wild := strings.CutSuffix(pattern, "*")
		if pattern == name || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (a annotations) all() bool {
	for _, pattern := range a {
		if pattern == "*" {
			return true
		}
	}
	return false
}
