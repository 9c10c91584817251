package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"lakelink"
	"lakelink/internal/dataverse"
)

// hooks takes the calls of environments and registers for them.
type hooks struct {
	base string // address at which environments reach this service; "" if they cannot
	key  []byte // of this service; the key of each link is made from it
	hint func(lakelink.Hint)

	mu        sync.Mutex
	receivers map[lakelink.LinkName]http.Handler
}

// newHooks makes the hooks of a service that listens on addr. Without a public address only
// environments on this machine can reach it.
func newHooks(publicURL string, addr net.Addr, key []byte, hint func(lakelink.Hint)) *hooks {
	h := &hooks{base: publicURL, key: key, hint: hint, receivers: map[lakelink.LinkName]http.Handler{}}
	if h.base == "" {
		h.base = "http://" + addr.String()
	}
	return h
}

// reachable reports whether the environment can call this service.
func (h *hooks) reachable(environment string) bool {
	return !isLoopback(h.base) || isLoopback(environment)
}

func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// register asks the environment to call this service when one of the tables changes.
func (h *hooks) register(ctx context.Context, c *dataverse.Client, l lakelink.Link, tables []lakelink.TableName) (bool, error) {
	if !h.reachable(l.Environment.URL) {
		return false, nil
	}
	key := h.keyOf(l)
	h.mu.Lock()
	h.receivers[l.Name] = dataverse.NewReceiver(key, func(t lakelink.TableName) {
		h.hint(lakelink.Hint{Link: l.Name, Table: t})
	})
	h.mu.Unlock()
	_, err := c.RegisterHook(ctx, dataverse.HookOptions{Name: hookName(l), Key: key, Tables: tables,
		PublicURL: strings.TrimRight(h.base, "/") + "/hooks/" + url.PathEscape(string(l.Name))})
	return true, err
}

// remove takes the registration back.
func (h *hooks) remove(ctx context.Context, c *dataverse.Client, l lakelink.Link) error {
	h.mu.Lock()
	delete(h.receivers, l.Name)
	h.mu.Unlock()
	return c.RemoveHook(ctx, hookName(l))
}

func hookName(l lakelink.Link) string { return "lakelink " + string(l.Name) + " " + l.ID }

// keyOf is what calls for a link must carry.
func (h *hooks) keyOf(l lakelink.Link) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(l.ID))
	return hex.EncodeToString(mac.Sum(nil))
}

// ServeHTTP takes a call under /hooks/LINK.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/hooks/"))
	h.mu.Lock()
	receiver := h.receivers[lakelink.LinkName(name)]
	h.mu.Unlock()
	if err != nil || receiver == nil {
		http.NotFound(w, r)
		return
	}
	receiver.ServeHTTP(w, r)
}
