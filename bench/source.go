package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A sourceKind tells how pages are sent.
type sourceKind string

const (
	gzipPages     sourceKind = "gzip"     // as clients ask for them
	identityPages sourceKind = "identity" // uncompressed, for telling what decompression costs
)

// identityRows bounds the uncompressed pages, which are ten times as large.
const identityRows = 200_000

// A source is an environment of one table that was recorded before: it answers every request from
// files and constants, so that serving costs next to nothing.
type source struct {
	url     string
	pages   pageSet
	fixed   map[string][]byte // by path, relative to the API's root
	server  *http.Server
	stopped chan error
}

// startSource records the pages and serves them.
func startSource(ctx context.Context, dir string, kind sourceKind, rows int) (*source, error) {
	if kind == identityPages {
		rows = min(rows, identityRows)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &source{url: "http://" + l.Addr().String(), stopped: make(chan error, 1)}
	s.pages = pageSet{dir: dir, api: s.url + "/api/data/v9.2/", rows: rows, gzip: kind == gzipPages}
	s.fixed = fixedAnswers(rows)
	fmt.Fprintf(os.Stderr, "recording %d pages of %d rows\n", s.pages.count(), pageRows)
	if err := s.pages.write(ctx); err != nil {
		l.Close()
		return nil, err
	}
	s.server = &http.Server{Handler: s}
	go func() { s.stopped <- s.server.Serve(l) }()
	return s, nil
}

func (s *source) close() error {
	err := s.server.Close()
	<-s.stopped
	return err
}

func fixedAnswers(rows int) map[string][]byte {
	definition := "EntityDefinitions(LogicalName='" + tableName + "')"
	cast := definition + "/Attributes/Microsoft.Dynamics.CRM."
	return map[string][]byte{
		"WhoAmI": answer(map[string]any{"OrganizationId": "3d2f5a35-9c1e-4a54-9f06-6f5b7c0e1b11"}),
		"organizations": list(map[string]any{
			"organizationid": "3d2f5a35-9c1e-4a54-9f06-6f5b7c0e1b11", "name": "bench", "expirechangetrackingindays": 7}),
		"RetrieveTotalRecordCount(EntityNames=['" + tableName + "'])": answer(map[string]any{
			"EntityRecordCountCollection": map[string]any{"Keys": []string{tableName}, "Values": []int{rows}}}),
		"EntityDefinitions":                           list(entityDefinition()),
		definition:                                    answer(entityDefinition()),
		definition + "/Attributes":                    list(attributes()...),
		cast + "PicklistAttributeMetadata":            list(choiceColumns("PicklistType")...),
		cast + "StateAttributeMetadata":               list(choiceColumns("StateType")...),
		cast + "StatusAttributeMetadata":              list(choiceColumns("StatusType")...),
		cast + "BooleanAttributeMetadata":             list(choiceColumns("BooleanType")...),
		cast + "MultiSelectPicklistAttributeMetadata": list(),
	}
}

var pageNumber = regexp.MustCompile(`pagenumber="(\d+)"`)

// ServeHTTP answers sign-in, metadata and reads of the table.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	path := strings.TrimPrefix(r.URL.Path, "/api/data/v9.2/")
	query := r.URL.Query()
	switch body, known := s.fixed[path]; {
	case strings.HasSuffix(path, "/oauth2/v2.0/token"):
		w.Write([]byte(`{"token_type":"Bearer","expires_in":3599,"access_token":"bench"}`))
	case known:
		w.Write(body)
	case path != entitySet:
		http.NotFound(w, r)
	case query.Has("$deltatoken"):
		w.Header().Set("Preference-Applied", "odata.track-changes")
		w.Write(s.pages.unchanged())
	case !query.Has("$skiptoken") && strings.Contains(r.Header.Get("Prefer"), "maxpagesize=1,"):
		w.Header().Set("Preference-Applied", "odata.track-changes")
		w.Write(s.pages.first())
	default:
		s.page(w, query.Get("$skiptoken"))
	}
}

// page sends a recorded page.
func (s *source) page(w http.ResponseWriter, token string) {
	number := 1
	if m := pageNumber.FindStringSubmatch(token); m != nil {
		number, _ = strconv.Atoi(m[1]) // the pattern has digits only
	}
	f, err := os.Open(s.pages.file(number - 1))
	if err != nil {
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil {
		w.Header().Set("Content-Length", strconv.FormatInt(fi.Size(), 10))
	}
	if s.pages.gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Preference-Applied", "odata.track-changes,odata.maxpagesize="+strconv.Itoa(pageRows))
	io.Copy(w, f) //nolint:errcheck // the client may have gone
}
