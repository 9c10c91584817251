package gcs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"lakelink"
	"lakelink/internal/lake/remote"
)

// Put writes or replaces an object.
func (l *Lake) Put(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, &write{Write: remote.Write{Name: name}}, r)
}

// PutNew writes an object that is not there yet.
func (l *Lake) PutNew(ctx context.Context, name string, r io.Reader) (lakelink.ObjectInfo, error) {
	return l.put(ctx, &write{Write: remote.Write{Name: name, New: true}, generation: "0"}, r)
}

// PutMatch replaces an object that still has that ETag. It looks first for the claim that it is to
// hand on.
func (l *Lake) PutMatch(ctx context.Context, name, etag string, r io.Reader) (lakelink.ObjectInfo, error) {
	found, err := l.look(ctx, l.settings, "put", name)
	if err == nil && found.Info.ETag != etag || lakelink.IsKind(err, lakelink.KindNotFound) {
		return lakelink.ObjectInfo{}, &lakelink.Error{Op: "put", Kind: lakelink.KindConflict, Err: fmt.Errorf("%s was changed by somebody else", name)}
	}
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	return l.put(ctx, &write{Write: remote.Write{Name: name, Match: etag}, generation: etag, before: found.Claim}, r)
}

// A write is one Put under way.
type write struct {
	remote.Write
	lake       *Lake
	generation string // the one to be replaced; "0": none; "": any
	before     string // the claim of the object that is replaced
	query      url.Values
}

func (l *Lake) put(ctx context.Context, w *write, r io.Reader) (lakelink.ObjectInfo, error) {
	key, err := l.ready(ctx, "put", w.Name)
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	chunks := remote.NewParts(ctx, r, l.chunk)
	first, last, err := chunks.Next(nil)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", w.Name, err)
	}
	w.begin(l)
	if last {
		return w.whole(ctx, key, first)
	}
	return w.resumable(ctx, key, first, false, chunks)
}

func (w *write) begin(l *Lake) {
	w.lake, w.Settings, w.Token = l, l.settings, remote.NewToken()
	once := l.settings
	once.Tries = 1 // it is looked again after the next attempt
	w.Look = func(ctx context.Context) (remote.Found, error) { return l.look(ctx, once, "put", w.Name) }
	w.query = url.Values{"fields": {fields}}
	if w.generation != "" {
		w.query.Set("ifGenerationMatch", w.generation)
	}
}

// describe is the resource that an upload begins with. The server compares the checksum with what
// arrives, where it is known beforehand.
func (w *write) describe(key, crc string) []byte {
	data, _ := json.Marshal(struct { // it cannot fail
		Name     string            `json:"name"`
		CRC32C   string            `json:"crc32c,omitempty"`
		Metadata map[string]string `json:"metadata"`
	}{key, crc, map[string]string{remote.ClaimKey: remote.Claim(w.Token, w.before)}})
	return data
}

func (w *write) upload(kind string) string {
	w.query.Set("uploadType", kind)
	return w.lake.endpoint + "/upload/storage/v1/b/" + url.PathEscape(w.lake.at.Bucket) + "/o"
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is a CRC-32C as GCS writes it.
func checksum(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// whole sends description and content in one request.
func (w *write) whole(ctx context.Context, key string, data []byte) (lakelink.ObjectInfo, error) {
	var head, tail bytes.Buffer
	parts := multipart.NewWriter(&head)
	for _, p := range []struct {
		kind string
		data []byte
	}{{"application/json; charset=UTF-8", w.describe(key, checksum(crc32.Checksum(data, castagnoli)))}, {"application/octet-stream", nil}} {
		part, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {p.kind}})
		if err == nil {
			_, err = part.Write(p.data)
		}
		if err != nil {
			return lakelink.ObjectInfo{}, err
		}
	}
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", parts.Boundary())
	address := w.upload("multipart")
	return w.Decide(ctx, len(data), func(ctx context.Context) (lakelink.ObjectInfo, error) {
		req := w.lake.request("put", w.Name, http.MethodPost, address, w.query)
		req.header.Set("Content-Type", "multipart/related; boundary="+parts.Boundary())
		req.body = io.MultiReader(bytes.NewReader(head.Bytes()), bytes.NewReader(data), bytes.NewReader(tail.Bytes()))
		req.size = int64(head.Len() + len(data) + tail.Len())
		var o object
		if err := w.lake.call(ctx, req, &o); err != nil {
			return lakelink.ObjectInfo{}, err
		}
		return o.info(w.Name), nil
	})
}

// resumable sends an object chunk by chunk. Until the last one has arrived there is nothing under its
// name, and whatever stops it before, the upload is cancelled.
func (w *write) resumable(ctx context.Context, key string, chunk []byte, last bool, chunks *remote.Parts) (info lakelink.ObjectInfo, err error) {
	s, err := w.start(ctx, key)
	if err != nil {
		return lakelink.ObjectInfo{}, err
	}
	defer func() {
		if err != nil {
			s.cancel(context.WithoutCancel(ctx))
		}
	}()
	for {
		s.sum = crc32.Update(s.sum, castagnoli, chunk)
		if last {
			return w.finish(ctx, s, chunk)
		}
		if err := w.Settings.Do(ctx, len(chunk), func(ctx context.Context) error { return s.send(ctx, chunk) }); err != nil {
			return lakelink.ObjectInfo{}, broken(err)
		}
		s.start += int64(len(chunk))
		if chunk, last, err = chunks.Next(chunk); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return lakelink.ObjectInfo{}, fmt.Errorf("put %s: %w", w.Name, err)
		}
	}
}

// broken: a session that is gone is no missing object.
func broken(err error) error {
	if lakelink.IsKind(err, lakelink.KindNotFound) {
		return &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("the upload is gone: %w", err)}
	}
	return err
}

// start opens a session. The condition holds for its end; it is checked now, too.
func (w *write) start(ctx context.Context, key string) (*session, error) {
	address, body := w.upload("resumable"), w.describe(key, "")
	s := &session{write: w}
	_, err := w.Decide(ctx, 0, func(ctx context.Context) (lakelink.ObjectInfo, error) {
		req := w.lake.request("put", w.Name, http.MethodPost, address, w.query)
		req.header.Set("Content-Type", "application/json; charset=UTF-8")
		req.header.Set("X-Upload-Content-Type", "application/octet-stream")
		req.body, req.size = bytes.NewReader(body), int64(len(body))
		resp, err := w.lake.send(ctx, req)
		if err != nil {
			return lakelink.ObjectInfo{}, err
		}
		resp.Body.Close()
		if s.url = resp.Header.Get("Location"); s.url == "" {
			return lakelink.ObjectInfo{}, w.lake.strange(req, fmt.Errorf("no Location"))
		}
		return lakelink.ObjectInfo{}, nil
	})
	return s, err
}

// finish sends the last chunk, which makes the object visible if the condition holds.
func (w *write) finish(ctx context.Context, s *session, chunk []byte) (lakelink.ObjectInfo, error) {
	w.Once = true
	total := s.start + int64(len(chunk))
	var crc string
	info, err := w.Decide(ctx, len(chunk), func(ctx context.Context) (lakelink.ObjectInfo, error) {
		o, err := s.end(ctx, chunk, total)
		crc = o.CRC32C
		return o.info(w.Name), err
	})
	if err != nil {
		return lakelink.ObjectInfo{}, broken(err)
	}
	if crc != "" && crc != checksum(s.sum) || info.Size != total && !strings.HasPrefix(info.ETag, "replaced.") {
		err := &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("%s arrived changed", w.lake.what(&request{name: w.Name}))}
		if gone := w.lake.delete(context.WithoutCancel(ctx), w.Name, info.ETag); gone != nil {
			err.Err = fmt.Errorf("%w, and could not be deleted: %w", err.Err, gone)
		}
		return lakelink.ObjectInfo{}, err
	}
	return info, nil
}

// A session is a resumable upload.
type session struct {
	write  *write
	url    string // whoever has it may write
	start  int64  // of the chunk that is being sent
	stored int64  // what the server is known to have
	doubt  bool   // it may have more
	sum    uint32
}

// send brings a chunk to the server that is not the last. A try after a failed one asks first how far
// the server has got; nothing is final before the last chunk, so asking does no harm.
func (s *session) send(ctx context.Context, chunk []byte) error {
	end := s.start + int64(len(chunk))
	if s.doubt {
		if _, _, err := s.put(ctx, nil, "bytes */*"); err != nil {
			return err
		}
	}
	for s.stored < end {
		if s.stored < s.start {
			return &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("the server has forgotten a part of %s", s.write.Name)}
		}
		before := s.stored
		_, done, err := s.put(ctx, chunk[s.stored-s.start:], fmt.Sprintf("bytes %d-%d/*", s.stored, end-1))
		if err != nil {
			return err
		}
		if done || s.stored <= before {
			return &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("the server did not take a part of %s", s.write.Name)}
		}
	}
	return nil
}

// end sends the last chunk, or what the server lacks of it.
func (s *session) end(ctx context.Context, chunk []byte, total int64) (object, error) {
	if s.doubt {
		if o, done, err := s.put(ctx, nil, "bytes */"+strconv.FormatInt(total, 10)); err != nil || done {
			return o, err
		}
	}
	for {
		if s.stored < s.start || s.stored >= total {
			return object{}, &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("the server has another part of %s", s.write.Name)}
		}
		before := s.stored
		o, done, err := s.put(ctx, chunk[s.stored-s.start:], fmt.Sprintf("bytes %d-%d/%d", s.stored, total-1, total))
		if err != nil || done {
			return o, err
		}
		if s.stored <= before {
			return object{}, &lakelink.Error{Op: "put", Kind: lakelink.KindTransient, Err: fmt.Errorf("the server did not take a part of %s", s.write.Name)}
		}
	}
}

// put sends a range of the object, or asks for what the server has. done: it has all.
func (s *session) put(ctx context.Context, data []byte, contentRange string) (o object, done bool, err error) {
	l := s.write.lake
	req := &request{op: "put", name: s.write.Name, method: http.MethodPut, url: s.url, header: http.Header{}, body: bytes.NewReader(data), size: int64(len(data)),
		accept: func(status int) bool { return status == http.StatusPermanentRedirect }}
	req.header.Set("Content-Range", contentRange)
	s.doubt = true
	resp, err := l.send(ctx, req)
	if err != nil {
		return object{}, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPermanentRedirect {
		if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
			return object{}, false, l.strange(req, err)
		}
		s.doubt = false
		return o, true, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	s.stored = 0
	if _, to, ok := strings.Cut(resp.Header.Get("Range"), "-"); ok {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil {
			return object{}, false, l.strange(req, err)
		}
		s.stored = n + 1
	}
	s.doubt = false
	return object{}, false, nil
}

// cancel ends the session, so that nothing can come of it any more. If that fails, the server ends it
// after a week.
func (s *session) cancel(ctx context.Context) {
	l := s.write.lake
	ctx, cancel := context.WithTimeout(ctx, l.settings.Timeout)
	defer cancel()
	_ = l.settings.Do(ctx, 0, func(ctx context.Context) error {
		req := &request{op: "cancel upload", name: s.write.Name, method: http.MethodDelete, url: s.url, header: http.Header{},
			accept: func(status int) bool {
				return status == 499 || status == http.StatusNotFound || status == http.StatusGone
			}}
		return l.call(ctx, req, nil)
	})
}
