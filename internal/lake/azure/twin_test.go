package azure_test

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lakelink"
	"lakelink/internal/lake/azure"
)

// A twin is a storage account with one container, in memory: what the lake uses of the Blob endpoint,
// and of the DFS endpoint the deletion of paths. With folders it behaves as an account with a hierarchical
// namespace does: parents are made by themselves and stay, are listed before what is in them, and
// stand in the way of objects of their name. Azurite judges it where Azurite has the same.
type twin struct {
	t       *testing.T
	folders bool

	mu        sync.Mutex
	blobs     map[string]twinBlob
	staged    map[string]map[string][]byte
	puts      int
	pageSize  int
	deletions []string // of folders
}

type twinBlob struct {
	data     []byte
	etag     string
	modified time.Time
	metadata map[string]string
	folder   bool
}

const (
	twinAccount   = "devstoreaccount1"
	twinContainer = "lake"
	twinKey       = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

func newTwin(t *testing.T, folders bool) *twin {
	return &twin{t: t, folders: folders, blobs: map[string]twinBlob{}, staged: map[string]map[string][]byte{}, pageSize: 3}
}

// options reach a server with the Blob API, with retries that do not wait.
func options(server string) azure.Options {
	return azure.Options{
		AccountKey: "env:KEY", Resolve: func(lakelink.SecretRef) (string, error) { return twinKey, nil },
		Endpoint:   server + "/" + twinAccount,
		RetryDelay: time.Millisecond, TryTimeout: 5 * time.Second,
	}
}

func open(t *testing.T, o azure.Options, dir string) *azure.Lake {
	t.Helper()
	l, err := azure.Open("abfss://"+twinContainer+"@"+twinAccount+".dfs.core.windows.net/"+dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func startTwin(t *testing.T, folders bool) (*twin, *azure.Lake) {
	tw := newTwin(t, folders)
	server := httptest.NewServer(tw)
	t.Cleanup(server.Close)
	return tw, open(t, options(server.URL), "")
}

func (tw *twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the connection is gone, and so is the request
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/"+twinAccount+"/"+twinContainer)
	if !ok {
		fail(w, 404, "ContainerNotFound")
		return
	}
	name := strings.TrimPrefix(path, "/")
	q := r.URL.Query()
	w.Header().Set("x-ms-request-id", "twin")
	switch {
	case q.Get("comp") == "properties":
		w.Header().Set("x-ms-is-hns-enabled", strconv.FormatBool(tw.folders))
	case q.Get("comp") == "list":
		tw.list(w, q)
	case q.Has("recursive"):
		tw.deletePath(w, r, name, q.Get("recursive"))
	case r.Method == http.MethodPut && q.Get("comp") == "block":
		tw.stage(w, r, name, q.Get("blockid"), body)
	case r.Method == http.MethodPut && q.Get("comp") == "blocklist":
		tw.commit(w, r, name, body)
	case r.Method == http.MethodPut:
		if intact(w, r, body) {
			tw.put(w, r, name, body)
		}
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		tw.get(w, r, name)
	case r.Method == http.MethodDelete:
		tw.delete(w, name)
	default:
		fail(w, 400, "UnsupportedHttpVerb")
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func intact(w http.ResponseWriter, r *http.Request, body []byte) bool {
	var sum [8]byte
	binary.LittleEndian.PutUint64(sum[:], crc64.Checksum(body, crc64.MakeTable(0x9A6C9329AC4BC9B5)))
	if r.Header.Get("x-ms-content-crc64") != base64.StdEncoding.EncodeToString(sum[:]) {
		fail(w, 400, "Crc64Mismatch")
		return false
	}
	return true
}

// parents are the folders above a name, the highest first.
func parents(name string) (dirs []string) {
	for i, c := range name {
		if c == '/' {
			dirs = append(dirs, name[:i])
		}
	}
	return dirs
}

// fits refuses a name whose place is taken by what cannot share it.
func (tw *twin) fits(w http.ResponseWriter, name string) bool {
	if !tw.folders {
		return true
	}
	for _, dir := range parents(name) {
		if b, there := tw.blobs[dir]; there && !b.folder {
			fail(w, 409, "PathConflict")
			return false
		}
	}
	return true
}

func (tw *twin) allowed(w http.ResponseWriter, r *http.Request, name string) bool {
	b, there := tw.blobs[name]
	switch {
	case r.Header.Get("If-None-Match") == "*" && there:
		fail(w, 409, "BlobAlreadyExists")
	case r.Header.Get("If-Match") != "" && (!there || r.Header.Get("If-Match") != b.etag):
		fail(w, 412, "ConditionNotMet")
	case b.folder:
		fail(w, 409, "ResourceTypeMismatch")
	default:
		return tw.fits(w, name)
	}
	return false
}

func (tw *twin) put(w http.ResponseWriter, r *http.Request, name string, data []byte) {
	if !tw.allowed(w, r, name) {
		return
	}
	metadata := map[string]string{}
	for k, v := range r.Header {
		if key, ok := strings.CutPrefix(strings.ToLower(k), "x-ms-meta-"); ok {
			metadata[key] = v[0]
		}
	}
	tw.puts++
	if tw.folders {
		for _, dir := range parents(name) {
			if _, there := tw.blobs[dir]; !there {
				tw.blobs[dir] = twinBlob{etag: tw.etag(), modified: time.Now(), metadata: map[string]string{"hdi_isfolder": "true"}, folder: true}
				tw.puts++
			}
		}
	}
	b := twinBlob{data: data, etag: tw.etag(), modified: time.Now(), metadata: metadata}
	tw.blobs[name] = b
	delete(tw.staged, name)
	w.Header().Set("ETag", b.etag)
	w.Header().Set("Last-Modified", b.modified.UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
}

func (tw *twin) etag() string { return fmt.Sprintf(`"0x%X"`, tw.puts) }

func (tw *twin) stage(w http.ResponseWriter, r *http.Request, name, id string, data []byte) {
	switch {
	case !intact(w, r, data) || !tw.fits(w, name):
	case tw.blobs[name].folder:
		fail(w, 409, "ResourceTypeMismatch")
	default:
		if tw.staged[name] == nil {
			tw.staged[name] = map[string][]byte{}
		}
		tw.staged[name][id] = data
		w.WriteHeader(http.StatusCreated)
	}
}

func (tw *twin) commit(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	var list struct {
		Latest []string
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		fail(w, 400, "InvalidXmlDocument")
		return
	}
	var data []byte
	for _, id := range list.Latest {
		part, ok := tw.staged[name][id]
		if !ok {
			fail(w, 400, "InvalidBlockList")
			return
		}
		data = append(data, part...)
	}
	tw.put(w, r, name, data)
}

func (tw *twin) get(w http.ResponseWriter, r *http.Request, name string) {
	b, there := tw.blobs[name]
	if !there {
		fail(w, 404, "BlobNotFound")
		return
	}
	if m := r.Header.Get("If-Match"); m != "" && m != b.etag {
		fail(w, 412, "ConditionNotMet")
		return
	}
	h := w.Header()
	h.Set("ETag", b.etag)
	h.Set("Last-Modified", b.modified.UTC().Format(http.TimeFormat))
	for k, v := range b.metadata {
		h.Set("x-ms-meta-"+k, v)
	}
	data, status := b.data, http.StatusOK
	if rng := cmp.Or(r.Header.Get("x-ms-range"), r.Header.Get("Range")); rng != "" {
		from, to, _ := strings.Cut(strings.TrimPrefix(rng, "bytes="), "-")
		first, _ := strconv.ParseInt(from, 10, 64)
		last, err := strconv.ParseInt(to, 10, 64)
		size := int64(len(data))
		if first >= size {
			fail(w, 416, "InvalidRange")
			return
		}
		if err != nil || last >= size {
			last = size - 1
		}
		data, status = data[first:last+1], http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		w.Write(data)
	}
}

func (tw *twin) delete(w http.ResponseWriter, name string) {
	b, there := tw.blobs[name]
	switch {
	case !there:
		fail(w, 404, "BlobNotFound")
	case b.folder && tw.used(name):
		fail(w, 409, "DirectoryIsNotEmpty")
	default:
		delete(tw.blobs, name)
		w.WriteHeader(http.StatusAccepted)
	}
}

func (tw *twin) used(dir string) bool {
	for name := range tw.blobs {
		if strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// deletePath is the DFS endpoint's.
func (tw *twin) deletePath(w http.ResponseWriter, r *http.Request, name, recursive string) {
	b, there := tw.blobs[name]
	switch {
	case recursive != "false":
		tw.t.Errorf("a folder was deleted with all that is in it: %s", name)
		fail(w, 400, "InvalidQueryParameterValue")
	case !there:
		fail(w, 404, "PathNotFound")
	case r.Header.Get("If-Match") != b.etag:
		fail(w, 412, "ConditionNotMet")
	case tw.used(name):
		fail(w, 409, "DirectoryNotEmpty")
	default:
		tw.deletions = append(tw.deletions, name)
		delete(tw.blobs, name)
	}
}

type twinItem struct {
	kind       string
	size       int
	etag, time string
	folder     bool
}

func (tw *twin) list(w http.ResponseWriter, q url.Values) {
	prefix, delimiter, marker := q.Get("prefix"), q.Get("delimiter"), q.Get("marker")
	for _, dir := range parents(prefix) {
		if b, there := tw.blobs[dir]; tw.folders && there && !b.folder {
			fail(w, 400, "InvalidUri") // documented as an error, not which
			return
		}
	}
	order := func(name string) string {
		if tw.folders {
			return strings.ReplaceAll(name, "/", "\x00")
		}
		return name
	}
	entries := map[string]twinItem{}
	for name, b := range tw.blobs {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if i := strings.Index(rest, delimiter); delimiter != "" && (i >= 0 || b.folder) {
			dir := prefix + rest + "/"
			if i >= 0 {
				dir = prefix + rest[:i+1]
			}
			entries[dir] = twinItem{kind: "BlobPrefix"}
			continue
		}
		item := twinItem{kind: "Blob", size: len(b.data), etag: strings.Trim(b.etag, `"`), time: b.modified.UTC().Format(http.TimeFormat)}
		if b.folder && strings.Contains(q.Get("include"), "metadata") {
			item.folder = true
		}
		entries[name] = item
	}
	var names []string
	for name := range entries {
		if order(name) >= order(marker) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(order(a), order(b)) })
	var next string
	size := tw.pageSize
	if n, err := strconv.Atoi(q.Get("maxresults")); err == nil {
		size = min(n, size)
	}
	if len(names) > size {
		names, next = names[:size], names[size]
	}
	fmt.Fprint(w, xml.Header, "<EnumerationResults><Blobs>")
	for _, name := range names {
		e := entries[name]
		fmt.Fprintf(w, "<%s><Name>%s</Name>", e.kind, escape(name))
		if e.kind == "Blob" {
			fmt.Fprintf(w, "<Properties><Content-Length>%d</Content-Length><Etag>%s</Etag><Last-Modified>%s</Last-Modified></Properties>", e.size, e.etag, e.time)
			if e.folder {
				fmt.Fprint(w, "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>")
			}
		}
		fmt.Fprintf(w, "</%s>", e.kind)
	}
	fmt.Fprintf(w, "</Blobs><NextMarker>%s</NextMarker></EnumerationResults>", escape(next))
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}
