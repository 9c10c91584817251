package dataverse

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/store"
	"lakelink/internal/sourcetest"
)

const conformancePage = 3

// connect makes a client of a local environment.
func connect(t *testing.T, env *devservertest.Env, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{URL: env.URL, ClientID: env.ClientID, PageRows: conformancePage,
		Secret: func(context.Context) (string, error) { return env.ClientSecret, nil },
		Budget: NewBudget(BudgetOptions{Requests: 1 << 20})}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A mutator changes a local environment for sourcetest.
type mutator struct {
	t   *testing.T
	env *devservertest.Env
	n   int
}

func (m *mutator) Tables() [2]lakelink.TableName { return [2]lakelink.TableName{"account", "lead"} }
func (m *mutator) PageRows() int                 { return conformancePage }
func (m *mutator) Reopen() lakelink.Source       { return connect(m.t, m.env) }

func (m *mutator) Untracked() lakelink.TableName {
	for _, t := range m.env.Schema.Tables {
		if !t.ChangeTracked && !t.Intersect {
			return lakelink.TableName(t.LogicalName)
		}
	}
	return ""
}

func (m *mutator) Create(table lakelink.TableName, n int) []lakelink.ID {
	ids := make([]lakelink.ID, 0, n)
	for _, id := range m.env.Fill(string(table), n) {
		ids = append(ids, lakelink.ID(id))
	}
	return ids
}

func (m *mutator) Update(table lakelink.TableName, id lakelink.ID) {
	m.n++
	m.env.Patch(string(table), store.ID(id), map[string]store.Value{"description": time.Unix(int64(m.n), 0).String()})
}

func (m *mutator) Delete(table lakelink.TableName, id lakelink.ID) {
	m.env.Delete(string(table), store.ID(id))
}

func (m *mutator) Recreate(table lakelink.TableName, id lakelink.ID) {
	m.env.Insert(string(table), map[string]store.Value{m.env.Schema.Table(string(table)).PrimaryID: store.ID(id)})
}

func (m *mutator) Expire(lakelink.TableName) {
	if err := m.env.Store.ExpireTokens(context.Background()); err != nil {
		m.t.Fatal(err)
	}
}

func TestSource(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) (lakelink.Source, sourcetest.Mutator) {
		env := devservertest.Start(t)
		return connect(t, env), &mutator{t: t, env: env}
	})
}

func TestTokenIsRenewedInTheMiddle(t *testing.T) {
	env := devservertest.Start(t, devservertest.Rows("account", 3*conformancePage))
	c := connect(t, env)
	table, err := c.Table(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for b, err := range c.Feed(t.Context(), table, "") {
		if err != nil {
			t.Fatal(err)
		}
		env.Server.Faults.SignOut()
		rows += b.NumRows()
	}
	if rows != 3*conformancePage {
		t.Errorf("%d rows", rows)
	}
}

func TestEnvironmentOfALocalServer(t *testing.T) {
	env := devservertest.Start(t)
	got, err := connect(t, env).Environment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.ID == "" || got.URL != env.URL || got.Name == "" || got.KeepDeletes != 7*24*time.Hour {
		t.Errorf("environment %+v", got)
	}
}

func TestWrongSecretOfALocalServer(t *testing.T) {
	env := devservertest.Start(t, devservertest.Server(func(o *devserver.Options) { o.ExpiredSecrets = []string{"old"} }))
	for secret, want := range map[string]string{"wrong": "AADSTS7000215", "old": "AADSTS7000222"} {
		c := connect(t, env, func(o *Options) {
			o.Secret = func(context.Context) (string, error) { return secret, nil }
		})
		_, err := c.Environment(t.Context())
		if e := wantKind(t, err, lakelink.KindSignIn, "secret"); e.Code != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestHooksOfALocalServer(t *testing.T) {
	env := devservertest.Start(t)
	c := connect(t, env)
	var called atomic.Int64
	r := NewReceiver("k1", func(table lakelink.TableName) {
		if table == "account" {
			called.Add(1)
		}
	})
	hooked := devservertestHook(t, r)
	for range 2 {
		hook, err := c.RegisterHook(t.Context(), HookOptions{Name: "lakelink test", PublicURL: hooked, Key: "k1",
			Tables: []lakelink.TableName{"account", "lead"}})
		if err != nil {
			t.Fatal(err)
		}
		if hook.Steps != 6 || len(hook.Unsupported) != 0 {
			t.Errorf("hook %+v", hook)
		}
	}
	env.Fill("account", 1)
	for deadline := time.Now().Add(10 * time.Second); called.Load() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the environment did not call")
		}
	}
	if err := c.RemoveHook(t.Context(), "lakelink test"); err != nil {
		t.Fatal(err)
	}
	left, err := c.endpoints(t.Context(), "lakelink test")
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func devservertestHook(t *testing.T, h http.Handler) string {
	t.Helper()
	s := newServer(t, h)
	return s + "/hook"
}

func hookEnvironment(t *testing.T) *Client {
	t.Helper()
	return connect(t, devservertest.Start(t))
}
