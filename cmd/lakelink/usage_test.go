package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWrongUseExits2AndNamesTheCommand(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		words []string
		args  []string
	}{
		"command":       {[]string{`"frob"`, "lakelink --help"}, []string{"frob"}},
		"subcommand":    {[]string{`"frob"`, "lakelink link --help"}, []string{"link", "frob"}},
		"table command": {[]string{`"ls"`, "lakelink table --help"}, []string{"table", "ls"}},
		"flag":          {[]string{"--frob", "lakelink wait --help"}, []string{"wait", "x", "--frob"}},
		"no argument":   {[]string{"no link given", "lakelink wait --help"}, []string{"wait"}},
		"no table":      {[]string{"no table given", "lakelink table add --help"}, []string{"table", "add", "x"}},
		"too many":      {[]string{`"b"`, "too many"}, []string{"link", "show", "a", "b"}},
		"no flags":      {[]string{"environment", "lake", "tables"}, []string{"link", "create", "a"}},
		"output":        {[]string{"--output", `"xml"`, "table or json"}, []string{"link", "list", "-o", "xml"}},
		"query output":  {[]string{"--output", `"xml"`, "table, csv or json"}, []string{"query", "select 1", "-o", "xml"}},
		"serve output":  {[]string{"--output", `"xml"`}, []string{"serve", "-o", "xml"}},
		"duration":      {[]string{"--timeout", `"soon"`, "30s"}, []string{"wait", "x", "--timeout", "soon"}},
		"no time":       {[]string{"--timeout", "30s"}, []string{"wait", "x", "--timeout", "0s"}},
		"number":        {[]string{"--limit", `"x"`, "whole number"}, []string{"activity", "--limit", "x"}},
		"interval":      {[]string{"--interval", `"1 minute"`}, w.creation("interval", "1 minute")},
		"no lake":       {[]string{"--lake", "file:///data/lake"}, append(w.creation("lake", "-"), "--lake", "")},
		"no data":       {[]string{"--data"}, []string{"serve", "--data", ""}},
		"no token":      {[]string{"--api-token"}, []string{"serve", "--api-token", "", "--data", t.TempDir()}},
		"tenant":        {[]string{"--tenant", `"a/b"`}, []string{"dataverse", "serve", "--data", t.TempDir(), "--tenant", "a/b"}},
		"sample data":   {[]string{"--seed", `"erp"`, "crm"}, []string{"dataverse", "serve", "--data", t.TempDir(), "--seed", "erp"}},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, exitUsage, c.words, c.args...) })
	}
}

// A command that cannot print its answer must not have done anything before it says so.
func TestUnknownOutputDoesNothing(t *testing.T) {
	w := newWorld(t)
	refuse(t, exitUsage, []string{"--output"}, append(w.creation(), "-o", "yaml")...)
	refuse(t, exitFailure, []string{w.name, "no link"}, "link", "show", w.name)
}

func TestVerifyExits3WhenNotEqual(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"equal":false,"tables":[{"table":"account","format":"delta","rows":2,"missing":1,"extra":0,"different":0}]}`)) //nolint:errcheck // a test's own server
	}))
	defer srv.Close()
	t.Setenv("LAKELINK_URL", srv.URL)
	r := lakelinkRun(t, "verify", "sales")
	if r.code != exitNotEqual || r.err != "" || !strings.Contains(r.out, "Not equal") {
		t.Errorf("got %+v", r)
	}
}

func TestServiceThatIsNotThereIsNamed(t *testing.T) {
	t.Setenv("LAKELINK_URL", "http://127.0.0.1:1")
	refuse(t, exitFailure, []string{"http://127.0.0.1:1", "connection refused", "lakelink serve", "LAKELINK_URL"}, "link", "list")
	t.Setenv("LAKELINK_URL", "localhost:7780")
	refuse(t, exitFailure, []string{`"localhost:7780"`, "LAKELINK_URL"}, "link", "list")
	env := httptest.NewServer(http.NotFoundHandler())
	defer env.Close()
	t.Setenv("LAKELINK_URL", env.URL)
	refuse(t, exitFailure, []string{"404", "LAKELINK_URL"}, "link", "list")
}
