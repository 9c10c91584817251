package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A twin is S3 as its documentation has it, as far as lakes use it. Real servers are in stores_test.go.
type twin struct {
	unconditional bool // it ignores conditions, as some servers do
	partsOnly     bool // it ignores them in CompleteMultipartUpload

	mu      sync.Mutex
	objects map[string]twinObject
	uploads map[string]*twinUpload
	next    int
	sending int // parts on their way now
	most    int // and at once
}

type twinObject struct {
	data []byte
	etag string
	meta http.Header
	at   time.Time
}

type twinUpload struct {
	key   string
	meta  http.Header
	at    time.Time
	parts map[int][]byte
}

func newTwin() *twin {
	return &twin{objects: map[string]twinObject{}, uploads: map[string]*twinUpload{}}
}

func (s *twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, path, _ := strings.Cut(r.URL.Path[1:], "/")
	bucket, q := strings.SplitN(r.URL.Path[1:], "/", 2)[0], r.URL.Query()
	if q.Has("partNumber") {
		s.track(1)
		defer s.track(-1)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case bucket != "bucket":
		fail(w, r, 404, "NoSuchBucket")
	case q.Has("uploads") && r.Method == "POST":
		s.next++
		id := strconv.Itoa(s.next)
		s.uploads[id] = &twinUpload{key: path, meta: meta(r), at: time.Now(), parts: map[int][]byte{}}
		answer(w, "InitiateMultipartUploadResult", "<UploadId>"+id+"</UploadId>")
	case q.Has("uploads"):
		s.listUploads(w, q)
	case q.Has("uploadId"):
		s.upload(w, r, q, path, body)
	case path == "" && r.Method == "GET":
		s.list(w, q)
	case r.Method == "PUT":
		if s.allowed(w, r, path, s.unconditional) {
			sum := md5.Sum(body)
			s.put(w, path, twinObject{data: body, etag: hex.EncodeToString(sum[:]), meta: meta(r)})
		}
	case r.Method == "DELETE":
		delete(s.objects, path)
		w.WriteHeader(204)
	default:
		s.get(w, r, path)
	}
}

func (s *twin) track(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending += n
	s.most = max(s.most, s.sending)
}

func (s *twin) allowed(w http.ResponseWriter, r *http.Request, key string, ignore bool) bool {
	o, there := s.objects[key]
	match := strings.Trim(r.Header.Get("If-Match"), `"`)
	switch {
	case ignore:
	case r.Header.Get("If-None-Match") == "*" && there:
		fail(w, r, 412, "PreconditionFailed")
		return false
	case match != "" && !there:
		fail(w, r, 404, "NoSuchKey")
		return false
	case match != "" && match != o.etag:
		fail(w, r, 412, "PreconditionFailed")
		return false
	}
	return true
}

func (s *twin) put(w http.ResponseWriter, key string, o twinObject) {
	o.at = time.Now()
	s.objects[key] = o
	w.Header().Set("ETag", `"`+o.etag+`"`)
	w.WriteHeader(200)
}

func (s *twin) get(w http.ResponseWriter, r *http.Request, key string) {
	o, there := s.objects[key]
	match := strings.Trim(r.Header.Get("If-Match"), `"`)
	switch {
	case !there:
		fail(w, r, 404, "NoSuchKey")
		return
	case match != "" && match != o.etag:
		fail(w, r, 412, "PreconditionFailed")
		return
	}
	for k, v := range o.meta {
		w.Header()[k] = v
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	r.Header.Del("If-Match")
	http.ServeContent(w, r, "", o.at, strings.NewReader(string(o.data)))
}

func (s *twin) upload(w http.ResponseWriter, r *http.Request, q url.Values, key string, body []byte) {
	u, there := s.uploads[q.Get("uploadId")]
	switch {
	case !there:
		fail(w, r, 404, "NoSuchUpload")
	case r.Method == "PUT":
		n, _ := strconv.Atoi(q.Get("partNumber"))
		u.parts[n] = body
		w.Header().Set("ETag", `"part`+strconv.Itoa(n)+`"`)
	case r.Method == "DELETE":
		delete(s.uploads, q.Get("uploadId"))
		w.WriteHeader(204)
	case s.allowed(w, r, key, s.unconditional || s.partsOnly):
		var in struct {
			Part []struct {
				PartNumber    int
				ChecksumCRC32 string
			}
		}
		var o twinObject
		if xml.Unmarshal(body, &in) != nil || len(in.Part) != len(u.parts) {
			fail(w, r, 400, "InvalidPart")
			return
		}
		for _, p := range in.Part {
			if p.ChecksumCRC32 != checksum(u.parts[p.PartNumber]) {
				fail(w, r, 400, "InvalidPart")
				return
			}
			o.data = append(o.data, u.parts[p.PartNumber]...)
		}
		sum := md5.Sum(o.data)
		o.etag, o.meta, o.at = fmt.Sprintf("%x-%d", sum, len(u.parts)), u.meta, time.Now()
		s.objects[key] = o
		delete(s.uploads, q.Get("uploadId"))
		answer(w, "CompleteMultipartUploadResult", `<ETag>"`+o.etag+`"</ETag>`)
	}
}

func (s *twin) list(w http.ResponseWriter, q url.Values) {
	most := 1000
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = n
	}
	var keys []string
	for key := range s.objects {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if i := strings.Index(rest, "/"); ok && q.Get("delimiter") != "" && i >= 0 {
			key = q.Get("prefix") + rest[:i+1]
		}
		if ok && key > q.Get("continuation-token") && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, cmp.Compare[string])
	var b strings.Builder
	b.WriteString("<EncodingType>url</EncodingType>")
	if len(keys) > most {
		keys = keys[:most]
		b.WriteString("<IsTruncated>true</IsTruncated><NextContinuationToken>")
		xml.EscapeText(&b, []byte(keys[most-1]))
		b.WriteString("</NextContinuationToken>")
	}
	for _, key := range keys {
		if o, there := s.objects[key]; there {
			fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified></Contents>",
				url.QueryEscape(key), len(o.data), o.at.UTC().Format("2006-01-02T15:04:05.000Z"))
		} else {
			fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", url.QueryEscape(key))
		}
	}
	answer(w, "ListBucketResult", b.String())
}

func (s *twin) listUploads(w http.ResponseWriter, q url.Values) {
	var b strings.Builder
	for id, u := range s.uploads {
		if strings.HasPrefix(u.key, q.Get("prefix")) {
			fmt.Fprintf(&b, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>", u.key, id, u.at.UTC().Format(time.RFC3339))
		}
	}
	answer(w, "ListMultipartUploadsResult", b.String())
}

func meta(r *http.Request) http.Header {
	m := http.Header{}
	for k, v := range r.Header {
		if strings.HasPrefix(k, "X-Amz-Meta-") {
			m[k] = v
		}
	}
	return m
}

func answer(w http.ResponseWriter, root, body string) {
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, "<%s>%s</%s>", root, body, root)
}

func fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != "HEAD" {
		fmt.Fprint(w, errorBody(code))
	}
}

func errorBody(code string) string {
	return "<Error><Code>" + code + "</Code><Message>" + code + " it is</Message></Error>"
}
