package devserver

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lakelink/internal/devserver/store"
)

// A deltaToken is a position in the changes of a table: everything up to version is known to
// its holder. The time it was given out decides when it expires.
type deltaToken struct {
	version int64
	issued  time.Time
}

const tokenTime = "01/02/2006 15:04:05"

// String returns the token as a value of $deltatoken, encoded as the original encodes it.
func (d deltaToken) String() string {
	return escapeLower(fmt.Sprintf("%d!%s", d.version, d.issued.UTC().Format(tokenTime)), "")
}

func parseToken(s string) (deltaToken, error) {
	bad := badRequest("Invalid value '%s' for $deltatoken query option found.", s)
	number, issued, ok := strings.Cut(s, "!")
	if !ok {
		return deltaToken{}, bad
	}
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || version < 0 {
		return deltaToken{}, bad
	}
	at, err := time.Parse(tokenTime, issued)
	if err != nil {
		return deltaToken{}, bad
	}
	return deltaToken{version, at}, nil
}

// tracked answers a page of a tracked read: of the first copy of a table, or of what changed
// since a token. Both go by ascending version, up to a bound that the first page sets and its
// cookies carry on, so a row that changes meanwhile leaves this read and belongs to the next. A
// delta ends with the deletions.
func (s *Server) tracked(r *request, t *store.Table, at cookie) (*response, error) {
	if err := r.checkTracked(t); err != nil {
		return nil, err
	}
	p, err := newProjection(t, r.selectOption(), r.prefer.annotations)
	if err != nil {
		return nil, err
	}
	token, delta := r.option("$deltatoken")
	res := r.newResponse()
	err = s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		switch {
		case delta:
			from, err := s.checkToken(r, snap, token)
			if err != nil {
				return err
			}
			at = cookie{page: 1, after: from.version, done: from.version, through: snap.Version()}
		case !at.track:
			at = cookie{page: 1, through: snap.Version()}
		case at.after > 0 && at.after < snap.OldestToken():
			return s.expired()
		}
		at.track = true
		p.formatWith(r.Context(), s.store, snap)
		context := p.context()
		if at.after > 0 {
			context += "/$delta"
		}
		page := r.beginPage(res, context, -1)
		more, err := s.trackedRows(r, snap, p, &at, page)
		if err != nil {
			return err
		}
		if more {
			at.page++
			page.nextLink = r.link(t.EntitySet, "$skiptoken="+at.String())
		} else {
			next := deltaToken{at.through, s.options.Now()}
			page.deltaLink = r.link(t.EntitySet, "$deltatoken="+next.String())
		}
		page.end()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// trackedRows writes one page from at on, moves at behind it, and says whether more follow.
func (s *Server) trackedRows(r *request, snap *store.Snapshot, p *projection, at *cookie, page *page) (more bool, err error) {
	size := r.prefer.page()
	at.terms = nil
	if !at.deletions {
		rows, err := snap.Changed(r.Context(), p.table, at.done, at.through, size+1)
		if err != nil {
			return false, err
		}
		defer rows.Close()
		var first, last store.ID
		for rows.Next() {
			if page.rows == size {
				at.terms = []cookieTerm{{name: p.table.PrimaryID, last: braced(last), first: braced(first)}}
				return true, nil
			}
			page.row(func(b []byte) []byte { return p.appendRow(b, rows.ID(), rows.Version(), rows.Body()) })
			if last = rows.ID(); page.rows == 1 {
				first = last
			}
			at.done = rows.Version()
		}
		if err := rows.Err(); err != nil || at.after == 0 {
			return false, err
		}
		at.deletions, at.done = true, at.after
	}
	rows, err := snap.Deleted(r.Context(), p.table, at.done, at.through, size-page.rows+1)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	context := r.api + "$metadata#" + p.table.EntitySet + "/$deletedEntity"
	for rows.Next() {
		if page.rows == size {
			return true, nil
		}
		page.row(func(b []byte) []byte {
			b = appendQuoted(append(b, `"@odata.context":`...), context)
			b = rows.ID().AppendText(append(b, `,"id":"`...))
			return append(b, `","reason":"deleted"`...)
		})
		at.done = rows.Version()
	}
	return false, rows.Err()
}

// checkTracked refuses what does not go with change tracking.
func (r *request) checkTracked(t *store.Table) error {
	if !t.ChangeTracked {
		return &apiError{http.StatusBadRequest, codeNotTracked,
			fmt.Sprintf("Entity %s isn't enabled for change tracking.", t.LogicalName)}
	}
	for _, o := range r.options {
		switch o.name {
		case "$filter", "$orderby", "$expand", "$top":
			return badRequest(`The "%s" query parameter isn't supported when Change Tracking is enabled.`, o.name)
		case "$apply", "$skip", "$search", "$format":
			return badRequest("The query parameter %s is not supported.", o.name)
		}
	}
	return nil
}

// checkToken reads a delta token and refuses one that is too old.
func (s *Server) checkToken(r *request, snap *store.Snapshot, text string) (deltaToken, error) {
	token, err := parseToken(text)
	if err != nil {
		return token, err
	}
	days, err := s.expiryDays(r.Context(), snap)
	if err != nil {
		return token, err
	}
	end := token.issued.AddDate(0, 0, days)
	if token.version > 0 && token.version < snap.OldestToken() || s.options.Now().After(end) {
		return token, s.expired()
	}
	return token, nil
}

func (s *Server) expired() error {
	return &apiError{s.options.ExpiredStatus, codeExpiredToken,
		"Version stamp associated with the client has expired. Please perform a full sync."}
}

// defaultExpiryDays is how long tokens live where the organization does not say.
const defaultExpiryDays = 7

// expiryDays reads expirechangetrackingindays of the organization.
func (s *Server) expiryDays(ctx context.Context, snap *store.Snapshot) (int, error) {
	row, _, err := snap.Get(ctx, s.store.Table("organization").Table, s.store.Environment().OrganizationID)
	if err != nil {
		return 0, err
	}
	if days, ok := row.Int("expirechangetrackingindays"); ok {
		return int(days), nil
	}
	return defaultExpiryDays, nil
}

// purge forgets deletions that no token needs any more, now and once a day until ctx ends.
func (s *Server) purge(ctx context.Context) error {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		var days int
		err := s.store.Read(ctx, func(snap *store.Snapshot) (err error) {
			days, err = s.expiryDays(ctx, snap)
			return err
		})
		if err == nil {
			err = s.store.PurgeTombstones(ctx, s.options.Now().AddDate(0, 0, -days))
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("forget old deletions: %w", err)
		}
		select {
		case <-daily.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// countChanges answers GET set/$count with a delta token: upserts and deletions together.
func (s *Server) countChanges(r *request, t *store.Table, text string) (*response, error) {
	if err := r.checkTracked(t); err != nil {
		return nil, err
	}
	var n int64
	err := s.store.Read(r.Context(), func(snap *store.Snapshot) error {
		token, err := s.checkToken(r, snap, text)
		if err != nil {
			return err
		}
		n, err = snap.CountChanges(r.Context(), t, token.version, snap.Version())
		return err
	})
	if err != nil {
		return nil, err
	}
	res := r.newResponse()
	res.text(strconv.FormatInt(n, 10))
	return res, nil
}
