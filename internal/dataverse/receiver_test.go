package dataverse

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lakelink"
)

func TestReceiver(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, key, table, body string
		status                           int
		hint                             lakelink.TableName
	}{
		"header":         {"POST", "/", "k1", "account", "{}", 200, "account"},
		"query":          {"POST", "/?code=k1", "", "account", "", 200, "account"},
		"upper case":     {"POST", "/", "k1", "Account", "", 200, "account"},
		"body":           {"POST", "/", "k1", "", `{"A":{"b":[1]},"PrimaryEntityName":"lead","Stage":40}`, 200, "lead"},
		"large body":     {"POST", "/", "k1", "account", strings.Repeat("x", 2<<20), 200, "account"},
		"forged":         {"POST", "/", "k2", "account", "{}", 401, ""},
		"prefix of key":  {"POST", "/", "k", "account", "{}", 401, ""},
		"no key":         {"POST", "/", "", "account", "{}", 401, ""},
		"no table":       {"POST", "/", "k1", "", `{"a":1}`, 400, ""},
		"not a body":     {"POST", "/", "k1", "", `<xml>`, 400, ""},
		"not a name":     {"POST", "/", "k1", "../etc", "{}", 400, ""},
		"another method": {"GET", "/", "k1", "account", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got lakelink.TableName
			r := NewReceiver("k1", func(table lakelink.TableName) { got = table })
			req := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			if c.key != "" {
				req.Header.Set(KeyHeader, c.key)
			}
			if c.table != "" {
				req.Header.Set("x-ms-dynamics-entity-name", c.table)
			}
			rec := httptest.NewRecorder()
			http.Handler(r).ServeHTTP(rec, req)
			if rec.Code != c.status || got != c.hint {
				t.Errorf("answered %d and told %q, want %d and %q", rec.Code, got, c.status, c.hint)
			}
		})
	}
}

func TestHookIsRepaired(t *testing.T) {
	c := hookEnvironment(t)
	options := HookOptions{Name: "it's ours", PublicURL: "http://127.0.0.1:9/hook", Key: `k"<1>`, Tables: []lakelink.TableName{"account", "lead"}}
	hook, err := c.RegisterHook(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := c.steps(t.Context(), hook.ID)
	if err != nil || len(steps) != 6 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	// One is switched off, one is deleted, a table leaves and another one comes.
	if err := c.write(t.Context(), http.MethodPatch, "sdkmessageprocessingsteps("+steps[0].ID+")", map[string]any{"statecode": 1, "statuscode": 2}); err != nil {
		t.Fatal(err)
	}
	if err := c.remove(t.Context(), "sdkmessageprocessingsteps("+steps[1].ID+")"); err != nil {
		t.Fatal(err)
	}
	options.Tables = []lakelink.TableName{"account", "contact", "nosuchtable"}
	again, err := c.RegisterHook(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID != hook.ID || again.Steps != 6 || len(again.Unsupported) != 1 || again.Unsupported[0] != "nosuchtable" {
		t.Errorf("hook %+v, was %+v", again, hook)
	}
	if steps, err = c.steps(t.Context(), hook.ID); err != nil || len(steps) != 6 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	for _, s := range steps {
		if s.State != 0 || strings.Contains(s.Name, "lead") {
			t.Errorf("step %+v", s)
		}
	}
	for range 2 {
		if err := c.RemoveHook(t.Context(), options.Name); err != nil {
			t.Fatal(err)
		}
	}
	if steps, err = c.steps(t.Context(), hook.ID); err != nil || len(steps) != 0 {
		t.Errorf("left: %v, %v", steps, err)
	}
	_, err = c.RegisterHook(t.Context(), HookOptions{Name: "x", PublicURL: "nowhere", Key: "k"})
	wantKind(t, err, lakelink.KindInvalid)
}

func TestSlowCallersAreNotWaitedFor(t *testing.T) {
	told := make(chan lakelink.TableName, 4)
	r := NewReceiver("k1", func(table lakelink.TableName) { told <- table })
	r.patience = 100 * time.Millisecond
	host := strings.TrimPrefix(newServer(t, r), "http://")
	for _, key := range []string{"k1", "forged"} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s: %s\r\nx-ms-dynamics-entity-name: account\r\nContent-Length: 100\r\n\r\n{", KeyHeader, key)
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("key %s: the connection is held: %v", key, err)
		}
	}
	if len(told) != 1 {
		t.Errorf("%d hints", len(told))
	}
	// A connection that rests between calls longer than a call may take is kept.
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	in := bufio.NewReader(conn)
	for range 2 {
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s: k1\r\nx-ms-dynamics-entity-name: account\r\nContent-Length: 2\r\n\r\n{}", KeyHeader)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("answered %v, %v", res, err)
		}
		time.Sleep(2 * r.patience)
	}
}

func TestLongNamesAreShortened(t *testing.T) {
	c := hookEnvironment(t)
	name := strings.Repeat("x", 110)
	for _, end := range []string{"1", "2", "2"} {
		o := HookOptions{Name: name + end, PublicURL: "http://127.0.0.1:9/hook", Key: "k", Tables: []lakelink.TableName{"account"}}
		if h, err := c.RegisterHook(t.Context(), o); err != nil || h.Steps != 3 {
			t.Fatalf("%+v, %v", h, err)
		}
	}
	if err := c.RemoveHook(t.Context(), name+"1"); err != nil {
		t.Fatal(err)
	}
	for end, want := range map[string]int{"1": 0, "2": 1} {
		if ends, err := c.endpoints(t.Context(), endpointName(name+end)); err != nil || len(ends) != want {
			t.Errorf("%s: %d endpoints, %v", end, len(ends), err)
		}
	}
}

func TestRepairMakesNoStepThatIsGone(t *testing.T) {
	c := hookEnvironment(t)
	err := c.write(t.Context(), http.MethodPatch, "sdkmessageprocessingsteps(00000000-0000-0000-0000-00000000000a)",
		map[string]any{"statecode": 0, "statuscode": 1})
	wantKind(t, err, lakelink.KindNotFound)
}
