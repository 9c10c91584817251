package dataverse

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
	"time"

	"lakelink"
)

// A Receiver takes the calls of an environment's webhook and turns each into a hint: rows of a
// table may have changed (§7.2). What changed is never taken from the call; it may be lost,
// doubled, late or repeated by somebody else.
//
// A call proves itself by the key, in the header KeyHeader, or as ?code= where the endpoint was
// registered by hand with a WebhookKey.
type Receiver struct {
	key  [sha256.Size]byte
	hint func(lakelink.TableName)

	patience time.Duration
}

// maxPatience is how long the body of a call may take, also of one without the key: net/http reads
// on after a refusal. Nobody is to hold connections by sending slowly.
const maxPatience = 10 * time.Second

// NewReceiver makes a Receiver for calls with that key, which must not be empty. hint is called
// for each of them before it is answered, by many goroutines at once, and must return quickly:
// the environment waits.
func NewReceiver(key string, hint func(lakelink.TableName)) *Receiver {
	if key == "" {
		panic("dataverse: a Receiver without a key would take calls from anybody")
	}
	return &Receiver{key: sha256.Sum256([]byte(key)), hint: hint, patience: maxPatience}
}

// maxHookBody is the most an environment sends (§7.2). The body is read to keep the connection
// alive, and searched only where the headers say nothing.
const maxHookBody = 512 << 10

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	// Where the connection knows no deadlines there is nothing to hold.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(r.patience))
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a webhook is called with POST", http.StatusMethodNotAllowed)
		return
	}
	if !r.genuine(req) {
		http.Error(w, "wrong key", http.StatusUnauthorized)
		return
	}
	body := io.LimitReader(req.Body, maxHookBody)
	table := req.Header.Get("x-ms-dynamics-entity-name")
	if table == "" {
		table = tableOfBody(body)
	}
	_, _ = io.Copy(io.Discard, body)
	table = strings.ToLower(strings.TrimSpace(table))
	if !logicalName.MatchString(table) {
		http.Error(w, "the call names no table", http.StatusBadRequest)
		return
	}
	r.hint(lakelink.TableName(table))
	w.WriteHeader(http.StatusOK)
}

// genuine compares keys in a time that tells nothing about them.
func (r *Receiver) genuine(req *http.Request) bool {
	key := req.Header.Get(KeyHeader)
	if key == "" {
		key = req.URL.Query().Get("code")
	}
	sum := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(sum[:], r.key[:]) == 1
}

// tableOfBody finds the table in the body of a call.
func tableOfBody(body io.Reader) (table string) {
	var s scanner
	s.reset(body)
	_ = s.object(func(name []byte) bool {
		if string(name) != "PrimaryEntityName" {
			return s.skip()
		}
		text, _ := s.str()
		table = string(text)
		return false // the rest is of no interest
	})
	return table
}
