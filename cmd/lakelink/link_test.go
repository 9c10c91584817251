package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/verify"
)

func TestBadLinkIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 3))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	closed := "http://" + nobody.Addr().String()
	for name, c := range map[string]struct {
		words   []string
		changed []string
	}{
		"environment that is no address": {[]string{`"nonsense"`, "https://contoso"}, []string{"environment", "nonsense"}},
		"environment that is down":       {[]string{closed, "connection refused", "check the environment's address"}, []string{"environment", closed}},
		"host that does not exist":       {[]string{"no-such-host.invalid", "check the environment's address"}, []string{"environment", "http://no-such-host.invalid"}},
		"address of something else":      {[]string{"not a Dataverse environment"}, []string{"environment", os.Getenv("LAKELINK_URL")}},
		"secret in the open":             {[]string{"env:NAME or file:PATH"}, []string{"client-secret", "hunter2"}},
		"secret that is not there":       {[]string{"/nosuch", "put the secret there"}, []string{"client-secret", "file:/nosuch"}},
		"variable that is not set":       {[]string{"NOT_SET_ANYWHERE", "where the service is started"}, []string{"client-secret", "env:NOT_SET_ANYWHERE"}},
		"secret that is empty":           {[]string{file, "is empty"}, []string{"client-secret", "file:" + file}},
		"wrong secret":                   {[]string{w.env.URL, "AADSTS7000215", "check the client secret"}, []string{"client-secret", "file:/etc/hostname"}},
		"wrong client id":                {[]string{"AADSTS700016", "check the client id"}, []string{"client-id", "00000000-0000-0000-0000-00000000dead"}},
		"wrong tenant":                   {[]string{"AADSTS90002", "bogus", "check the tenant"}, []string{"tenant", "bogus"}},
		"authority that is no address":   {[]string{`"foo"`, "https://login.microsoftonline.com"}, []string{"authority", "foo"}},
		"authority that is down":         {[]string{closed, "check the token authority"}, []string{"authority", closed}},
		"unknown table":                  {[]string{"acount", "account?"}, []string{"tables", "acount"}},
		"table that is not tracked":      {[]string{"new_visit", "switch on change tracking"}, []string{"tables", "account,new_visit"}},
		"table that cannot be tracked":   {[]string{"asyncoperation", "leave it out"}, []string{"tables", "asyncoperation"}},
		"display name":                   {[]string{`"Account"`, "logical name"}, []string{"tables", "Account"}},
		"table twice":                    {[]string{"account", "twice"}, []string{"tables", "account,account"}},
		"no tables":                      {[]string{"no tables", "--tables"}, []string{"tables", ","}},
		"unknown format":                 {[]string{`"csv"`, "incremental, delta"}, []string{"formats", "csv"}},
		"interval":                       {[]string{"1s", "5s"}, []string{"interval", "1s"}},
		"kind of lake that nobody knows": {[]string{"foo:", "file:"}, []string{"lake", "foo://bucket/lake"}},
		"lake on another machine":        {[]string{"nas", "mounted"}, []string{"lake", "file://nas/lake"}},
		"lake that is a file":            {[]string{file, "remove what is in the way"}, []string{"lake", file}},
		"lake below a file":              {[]string{file, "remove what is in the way"}, []string{"lake", file + "/lake"}},
		"lake that cannot be made":       {[]string{"/proc/lake", "give a folder"}, []string{"lake", "/proc/lake"}},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, exitFailure, c.words, w.creation(c.changed...)...)
			refuse(t, exitFailure, []string{w.name, "no link of that name", "lakelink link list"}, "link", "show", w.name)
			if left := files(t, w.lake); len(left) > 0 {
				t.Errorf("left in the lake: %v", left)
			}
		})
	}
	w.create() // after all of them
	w.equal()
}

func TestNamesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := w.name
	w.name = "two words"
	refuse(t, exitFailure, []string{`"two words"`, "letters, digits"}, w.creation()...)
	w.name = name
	w.create()
	refuse(t, exitFailure, []string{name, "there is a link of that name", "choose another"}, w.creation("lake", t.TempDir())...)
	for _, args := range [][]string{{"link", "show"}, {"link", "pause"}, {"link", "resume"}, {"link", "delete"}, {"table", "list"},
		{"table", "resync"}, {"wait"}, {"verify"}} {
		refuse(t, exitFailure, []string{"nope", "no link of that name", "lakelink link list"}, append(args, "nope")...)
	}
	refuse(t, exitFailure, []string{"nope", "no link of that name"}, "table", "add", "nope", "lead")
	refuse(t, exitFailure, []string{"nope", "no link of that name"}, "query", "--link", "nope", "select 1")
}

func TestLakeOfAnotherLinkIsRefusedAndNotHarmed(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t, devservertest.Rows("account", 20)), newWorld(t, devservertest.Rows("account", 5))
	w.create()
	w.equal()
	before := files(t, w.lake)
	refuse(t, exitFailure, []string{w.lake, w.name, "choose an empty folder"}, other.creation("lake", w.lake)...)
	refuse(t, exitFailure, []string{w.lake, "inside", "choose an empty folder"}, other.creation("lake", w.lake+"/below")...)
	same := files(t, w.lake)
	for name, data := range before {
		if same[name] != data {
			t.Errorf("%s was changed", name)
		}
	}
	foreign := t.TempDir()
	if err := os.MkdirAll(foreign+"/deltalake/account_partitioned/_delta_log", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign+"/deltalake/account_partitioned/_delta_log/00000000000000000000.json", []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{foreign, "deltalake", "choose an empty folder"}, other.creation("lake", foreign)...)
	if left := files(t, foreign); len(left) != 1 {
		t.Errorf("in a foreign lake: %v", left)
	}
	w.equal()
}

func TestDeleteKeepsDataUnlessTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 20))
	foreign := map[string]string{"mine.txt": "a", "other/report.csv": "b", "deltalake.md": "c"}
	for name, data := range foreign {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(w.lake, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.lake, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.create("formats", "incremental,delta")
	w.equal()
	kept := files(t, w.lake)
	succeed(t, "link", "delete", w.name)
	for name, data := range kept {
		if got := files(t, w.lake)[name]; got != data {
			t.Errorf("%s did not survive a delete that keeps data", name)
		}
	}
	other := newWorld(t, devservertest.Rows("account", 1))
	refuse(t, exitFailure, []string{w.lake, w.name}, other.creation("lake", w.lake)...)
	w.create("formats", "incremental,delta") // goes on with its data
	w.equal()
	succeed(t, "link", "delete", w.name, "--delete-data")
	left := files(t, w.lake)
	if len(left) != len(foreign) {
		t.Errorf("left: %v", left)
	}
	for name, data := range foreign {
		if left[name] != data {
			t.Errorf("the foreign %s is gone", name)
		}
	}
	w.create() // the folder is free again
	w.equal()
}

func TestPauseStopsAndResumeGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 20))
	w.create()
	w.equal()
	succeed(t, "link", "pause", w.name)
	succeed(t, "link", "pause", w.name) // twice is no harm
	ids := w.env.Fill("account", 10)
	w.env.Delete("account", ids[0])
	for _, args := range [][]string{{"wait"}, {"verify"}, {"table", "resync"}} {
		refuse(t, exitFailure, []string{w.name, "paused", "resume it first"}, append(args, w.name)...)
	}
	if s := w.status(); s.State != lakelink.StatePaused {
		t.Errorf("state %s", s.State)
	}
	succeed(t, "link", "resume", w.name)
	w.equal()
}

func TestTablesAreAddedRemovedAndReadAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 20), devservertest.Rows("lead", 10))
	w.create("tables", "account")
	w.equal()
	refuse(t, exitFailure, []string{"account", "already"}, "table", "add", w.name, "account")
	refuse(t, exitFailure, []string{"no table laed", "lead?"}, "table", "add", w.name, "laed")
	refuse(t, exitFailure, []string{"new_visit", "switch on change tracking"}, "table", "add", w.name, "new_visit")
	refuse(t, exitFailure, []string{w.name, "needs a table", "pause or delete"}, "table", "remove", w.name, "account")
	refuse(t, exitFailure, []string{"lead", "no such table", "lakelink table list"}, "table", "remove", w.name, "lead")
	refuse(t, exitFailure, []string{"lead", "no such table", "lakelink table list"}, "table", "resync", w.name, "lead")
	refuse(t, exitFailure, []string{"lead", "no such table", "lakelink table list"}, "verify", w.name, "--table", "lead")

	if l := answer[lakelink.Link](t, "table", "add", w.name, "lead,contact"); len(l.Tables) != 3 {
		t.Errorf("the link has %v", l.Tables)
	}
	w.equal()
	succeed(t, "table", "resync", w.name, "lead")
	w.equal()
	if l := answer[lakelink.Link](t, "table", "remove", w.name, "lead"); slices.Contains(l.Tables, "lead") {
		t.Errorf("the link has %v", l.Tables)
	}
	w.equal()
	if _, err := os.Stat(w.lake + "/deltalake/lead_partitioned/_delta_log"); err != nil {
		t.Error("the data of a table that was removed is gone:", err)
	}
	if tables := answer[[]lakelink.TableStatus](t, "table", "list", w.name); len(tables) != 2 {
		t.Errorf("tables: %+v", tables)
	}
}

func TestAnswersHaveTheFixedNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 7))
	w.create("tables", "account")
	w.equal()
	report := answer[map[string]any](t, "verify", w.name, "--table", "account")
	if report["equal"] != true {
		t.Errorf("report %v", report)
	}
	table := report["tables"].([]any)[0].(map[string]any)
	for key, want := range map[string]any{"table": "account", "format": "delta", "rows": 7.0, "missing": 0.0, "extra": 0.0, "different": 0.0} {
		if table[key] != want {
			t.Errorf("%s is %v, want %v", key, table[key], want)
		}
	}
	if r := answer[verify.Report](t, "verify", w.name); !r.Equal {
		t.Errorf("report %+v", r)
	}
	for form, want := range map[string]string{"csv": "n\r\n7\r\n", "json": `"n":7`, "table": "(1 row)"} {
		if out := succeed(t, "query", "--link", w.name, "select count(*) n from account", "-o", form); !strings.Contains(out, want) {
			t.Errorf("%s: %q", form, out)
		}
	}
	refuse(t, exitFailure, []string{"acount"}, "query", "--link", w.name, "select * from acount")
	refuse(t, exitFailure, []string{"only statements that read"}, "query", "--link", w.name, "drop table account")
	refuse(t, exitFailure, []string{"empty"}, "query", "--link", w.name, "")
	for _, args := range [][]string{{"link", "list"}, {"link", "show", w.name}, {"link", "pause", w.name}, {"link", "resume", w.name},
		{"wait", w.name}, {"table", "list", w.name}, {"table", "resync", w.name}, {"activity"}, {"link", "delete", w.name}} {
		if out := succeed(t, append(args, "-o", "json")...); !json.Valid([]byte(out)) {
			t.Errorf("%v: %s", args, out)
		}
	}
}

func TestWaitSaysWhatIsMissingWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 5))
	w.create("formats", "incremental", "interval", "1h", "tables", "account")
	until(t, func() bool { return w.status().Tables[0].Rows == 5 }, func() string { return "the initial sync" })
	// On a busy machine, the environment itself may not answer in so short a time.
	timeout := 300 * time.Millisecond
	for strings.Contains(lakelinkRun(t, "wait", w.name, "--timeout", timeout.String()).err, "has not told in time") {
		timeout *= 2
	}
	refuse(t, exitFailure, []string{w.name, "account", "time is up", "--timeout"}, "wait", w.name, "--timeout", (2 * timeout).String())
}
