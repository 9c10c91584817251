package dataverse

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// newServer serves h on a port of this machine until the test ends, and returns its address.
func newServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
