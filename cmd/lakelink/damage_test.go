package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lakelink/internal/devserver/devservertest"
)

// A file of the lake that is damaged is named, by verify and by the link that would go on from it, and
// nothing is written over it.
func TestDamagedFileOfTheLakeIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pattern string
		damage  func([]byte) []byte
	}{
		"truncated commit of the log": {"deltalake/account_partitioned/_delta_log/*.json", func(b []byte) []byte { return b[:len(b)/2] }},
		"garbage in the log":          {"deltalake/account_partitioned/_delta_log/*.json", func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) }},
		"truncated data file":         {"deltalake/account_partitioned/*/*.parquet", func(b []byte) []byte { return b[:len(b)/2] }},
		"truncated manifest":          {"*Z/_lakelink.json", func(b []byte) []byte { return b[:len(b)/2] }},
		"flipped byte in a manifest":  {"*Z/_lakelink.json", func(b []byte) []byte { b[0] ^= 0x20; return b }},
		"garbage in the claim":        {"_lakelink/link.json", func(b []byte) []byte { return []byte("garbage") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, devservertest.Rows("account", 20))
			w.create("tables", "account", "formats", "incremental,delta")
			w.equal()
			succeed(t, "link", "pause", w.name)
			found, err := filepath.Glob(filepath.Join(w.lake, c.pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("there is no %s, %v", c.pattern, err)
			}
			file := slices.Max(found)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, c.damage(data), 0o600); err != nil {
				t.Fatal(err)
			}
			before := files(t, w.lake)
			succeed(t, "link", "resume", w.name)
			w.env.Fill("account", 3)
			// The link may take its time to start; what it says then has to name the file.
			var r, v result
			until(t, func() bool {
				r = lakelinkRun(t, "wait", w.name, "--timeout", "3s")
				v = lakelinkRun(t, "verify", w.name)
				return strings.Contains(r.err+v.err+v.out, filepath.Base(file))
			}, func() string {
				return fmt.Sprintf("the damage of %s to be told: wait: %d %s verify: %d %s%s", file, r.code, r.err, v.code, v.err, v.out)
			})
			judge(t, r.err, w.name)
			if v.err != "" {
				judge(t, v.err)
			}
			if r.code != exitFailure || v.code == 0 {
				t.Errorf("wait ended with %d, verify with %d", r.code, v.code)
			}
			after := files(t, w.lake)
			for name, data := range before {
				if got, ok := after[name]; strings.HasSuffix(name, ".parquet") && (!ok || got != data) {
					t.Errorf("%s was changed", name)
				}
			}
		})
	}
}
