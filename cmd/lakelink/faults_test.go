package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
)

// isPage matches the reads of rows of a table; its next-links and delta-links too.
func isPage(table string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/"+table) }
}

// isNext matches next-links only.
func isNext(table string) func(*http.Request) bool {
	page := isPage(table)
	return func(r *http.Request) bool { return page(r) && strings.Contains(r.URL.RawQuery, "skiptoken") }
}

// faults are ways for a read to go wrong that must not lose anything.
var faults = map[string]devserver.Fault{
	"401":                  {Status: 401},
	"429 with Retry-After": {Status: 429, RetryAfter: 1},
	"503":                  {Status: 503},
	"cut body":             {CutBody: true},
	"reset":                {Reset: true},
}

// nextFaults are those of next-links.
var nextFaults = map[string]devserver.Fault{
	"401 in mid-read":   {Status: 401},
	"cut body":          {CutBody: true},
	"dead next-link":    {Status: 404, Code: "0x80040217", Message: "The page is gone."},
	"expired next-link": {Status: 410, Code: "0x80044352", Message: "Version stamp associated with the client has expired."},
}

// A page is 5,000 rows at most; more than that must be read for a read to have a middle.
const twoPages = 5010

// TestFaultOfTheEnvironmentLosesNothing has each fault during the initial sync and again during changes.
func TestFaultOfTheEnvironmentLosesNothing(t *testing.T) {
	t.Parallel()
	for name, f := range faults {
		t.Run(name, func(t *testing.T) { t.Parallel(); survive(t, isPage, 2, f, 30) })
	}
	for name, f := range nextFaults {
		t.Run("next-link/"+name, func(t *testing.T) { t.Parallel(); survive(t, isNext, 1, f, twoPages) })
	}
}

// survive proves that a link loses nothing when requests fail while so many rows, and then so many
// changes, are read.
func survive(t *testing.T, match func(string) func(*http.Request) bool, times int, f devserver.Fault, rows int) {
	w := newWorld(t)
	contacts := w.env.Fill("contact", rows)
	w.env.Server.Faults.When(match("contacts"), times, f)
	w.create("tables", "contact")
	w.equal()
	w.env.Server.Faults.When(match("contacts"), times, f)
	change(w, contacts, rows)
	w.equal()
	w.well()
}

// TestFaultsTogetherLoseNothing has them one after the other in the same reads, for both formats.
func TestFaultsTogetherLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 30))
	contacts := w.env.Fill("contact", 30)
	all := func() {
		for _, f := range faults {
			w.env.Server.Faults.When(isPage("contacts"), 1, f)
			w.env.Server.Faults.When(isPage("accounts"), 1, f)
		}
	}
	all()
	w.create("formats", "incremental,delta")
	w.equal()
	all()
	change(w, contacts, 10)
	w.env.Fill("account", 10)
	w.equal()
	w.well()
}

func TestSignedOutGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contacts := w.env.Fill("contact", 30)
	w.create("tables", "contact")
	w.env.Server.Faults.SignOut()
	w.equal()
	w.env.Server.Faults.SignOut()
	change(w, contacts, 5)
	w.equal()
}

// change deletes some of the contacts, updates others and makes new ones.
func change(w *world, ids []store.ID, made int) {
	for i, id := range ids[:min(len(ids), 30)] {
		if i%5 == 0 {
			w.env.Delete("contact", id)
		} else {
			w.env.Patch("contact", id, map[string]store.Value{"lastname": fmt.Sprintf("changed %d", i)})
		}
	}
	w.env.Fill("contact", made)
}
