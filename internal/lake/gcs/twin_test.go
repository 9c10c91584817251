package gcs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A twin is Cloud Storage as its documentation has it, as far as lakes use it. It judges what
// fake-gcs-server cannot: conditions of delete and get, generations that are gone, and resumable
// uploads that may be asked how far they are without being finished by that, and that take less of a
// chunk than they are sent.
type twin struct {
	unconditional bool // it ignores conditions
	takes         int  // at most so much of a chunk; 0: all

	mu       sync.Mutex
	objects  map[string]twinObject
	sessions map[string]*twinSession
	next     int64
}

type twinObject struct {
	object
	data []byte
}

type twinSession struct {
	resource   object
	generation string // as the condition has it
	data       []byte
	done       *twinObject
}

// quantum is what the real one keeps of chunks: multiples of it.
const quantum = 256 << 10

func newTwin() *twin {
	return &twin{objects: map[string]twinObject{}, sessions: map[string]*twinSession{}, next: time.Now().UnixMicro()}
}

func (s *twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, q := r.URL.EscapedPath(), r.URL.Query()
	key, isObject := strings.CutPrefix(path, "/storage/v1/b/bucket/o/")
	key, _ = url.PathUnescape(key)
	switch {
	case strings.HasPrefix(path, "/session/"):
		s.session(w, r, strings.TrimPrefix(path, "/session/"), body)
	case path == "/upload/storage/v1/b/bucket/o":
		s.upload(w, r, q, body)
	case path == "/storage/v1/b/bucket/o":
		s.list(w, q)
	case !isObject:
		fail(w, 404, "notFound", "The specified bucket does not exist.")
	default:
		s.object(w, r, q, key)
	}
}

func (s *twin) object(w http.ResponseWriter, r *http.Request, q url.Values, key string) {
	o, there := s.objects[key]
	g := q.Get("generation")
	switch {
	case !there || g != "" && g != o.Generation:
		fail(w, 404, "notFound", "No such object: bucket/"+key)
	case !s.allowed(q.Get("ifGenerationMatch"), key):
		fail(w, 412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
	case r.Method == "DELETE":
		delete(s.objects, key)
		w.WriteHeader(204)
	case q.Get("alt") == "media":
		w.Header().Set("X-Goog-Generation", o.Generation)
		http.ServeContent(w, r, "", o.Updated, strings.NewReader(string(o.data)))
	default:
		answer(w, o.object)
	}
}

func (s *twin) allowed(generation, key string) bool {
	o, there := s.objects[key]
	return s.unconditional || generation == "" || generation == "0" && !there || there && generation == o.Generation
}

func (s *twin) upload(w http.ResponseWriter, r *http.Request, q url.Values, body []byte) {
	if q.Get("uploadType") == "resumable" {
		u := &twinSession{generation: q.Get("ifGenerationMatch")}
		if json.Unmarshal(body, &u.resource) != nil {
			fail(w, 400, "parseError", "no JSON")
			return
		}
		if !s.allowed(u.generation, u.resource.Name) {
			fail(w, 412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
			return
		}
		s.next++
		id := strconv.FormatInt(s.next, 10)
		s.sessions[id] = u
		w.Header().Set("Location", "http://"+r.Host+"/session/"+id)
		return
	}
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	parts := multipart.NewReader(strings.NewReader(string(body)), params["boundary"])
	var resource object
	head, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(head).Decode(&resource)
	}
	var data []byte
	if err == nil {
		var part *multipart.Part
		if part, err = parts.NextPart(); err == nil {
			data, err = io.ReadAll(part)
		}
	}
	if err != nil {
		fail(w, 400, "parseError", err.Error())
		return
	}
	if resource.CRC32C != "" && resource.CRC32C != checksum(crc32.Checksum(data, castagnoli)) {
		fail(w, 400, "invalid", "Provided CRC32C does not match")
		return
	}
	s.write(w, q.Get("ifGenerationMatch"), resource, data)
}

func (s *twin) write(w http.ResponseWriter, generation string, resource object, data []byte) *twinObject {
	if !s.allowed(generation, resource.Name) {
		fail(w, 412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
		return nil
	}
	s.next++
	resource.Generation, resource.Size, resource.Updated = strconv.FormatInt(s.next, 10), int64(len(data)), time.Now()
	resource.CRC32C = checksum(crc32.Checksum(data, castagnoli))
	o := twinObject{resource, data}
	s.objects[resource.Name] = o
	answer(w, o.object)
	return &o
}

func (s *twin) session(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	u, there := s.sessions[id]
	switch {
	case !there:
		fail(w, 410, "", "gone")
		return
	case r.Method == "DELETE":
		delete(s.sessions, id)
		w.WriteHeader(499)
		return
	case u.done != nil:
		answer(w, u.done.object)
		return
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	if span != "*" {
		var from, to int
		if _, err := fmt.Sscanf(span, "%d-%d", &from, &to); err != nil || from > len(u.data) || to-from+1 != len(body) {
			fail(w, 400, "invalid", "bad Content-Range "+r.Header.Get("Content-Range"))
			return
		}
		if s.takes > 0 && len(body) > s.takes {
			body = body[:s.takes]
		}
		u.data = append(u.data[:from:from], body...)
	}
	if n, err := strconv.Atoi(total); err == nil && n == len(u.data) && span != "*" {
		if u.done = s.write(w, u.generation, u.resource, u.data); u.done == nil {
			delete(s.sessions, id)
		}
		return
	}
	u.data = u.data[:len(u.data)/quantum*quantum]
	if len(u.data) > 0 {
		w.Header().Set("Range", "bytes=0-"+strconv.Itoa(len(u.data)-1))
	}
	w.WriteHeader(308)
}

// unfinished are the sessions from which something could still come.
func (s *twin) unfinished() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, u := range s.sessions {
		if u.done == nil {
			n++
		}
	}
	return n
}

func (s *twin) list(w http.ResponseWriter, q url.Values) {
	most := 1000
	if n, err := strconv.Atoi(q.Get("maxResults")); err == nil {
		most = n
	}
	var keys []string
	for key := range s.objects {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if i := strings.Index(rest, "/"); ok && q.Get("delimiter") != "" && i >= 0 {
			key = q.Get("prefix") + rest[:i+1]
		}
		if ok && key > q.Get("pageToken") && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, cmp.Compare[string])
	var page struct {
		NextPageToken string   `json:"nextPageToken,omitempty"`
		Prefixes      []string `json:"prefixes,omitempty"`
		Items         []object `json:"items,omitempty"`
	}
	if len(keys) > most {
		keys = keys[:most]
		page.NextPageToken = keys[most-1]
	}
	for _, key := range keys {
		if o, there := s.objects[key]; there {
			page.Items = append(page.Items, o.object)
		} else {
			page.Prefixes = append(page.Prefixes, key)
		}
	}
	answer(w, page)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, errorBody(status, reason, message))
}

func errorBody(status int, reason, message string) string {
	data, _ := json.Marshal(map[string]any{"error": map[string]any{"code": status, "message": message, "errors": []map[string]string{{"reason": reason}}}})
	return string(data)
}
