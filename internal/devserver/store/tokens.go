package store

import (
	"context"
	"time"
)

// ExpireTokens makes every delta token given out so far useless, as a change of the platform can.
func (s *Store) ExpireTokens(ctx context.Context) error {
	return s.Update(ctx, func(tx *Tx) error {
		tx.version++
		_, err := tx.w.setMeta.ExecContext(tx.ctx, tx.version, "oldest_token")
		return err
	})
}

// PurgeTombstones forgets the deletions before a moment. Tokens from before the last of them
// expire with it, since a delta would leave those deletions out.
func (s *Store) PurgeTombstones(ctx context.Context, before time.Time) error {
	return s.Update(ctx, func(tx *Tx) error {
		conn := tx.w.conn
		if _, err := conn.ExecContext(tx.ctx, `UPDATE meta SET value = max(value,
			(SELECT coalesce(max(version), 0) FROM tombstone WHERE deleted_at < ?)) WHERE name = 'oldest_token'`, before.Unix()); err != nil {
			return err
		}
		_, err := conn.ExecContext(tx.ctx, `DELETE FROM tombstone WHERE deleted_at < ?`, before.Unix())
		return err
	})
}
