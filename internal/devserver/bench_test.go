package devserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

// wideAccount is an account with about forty columns, and their names.
func wideAccount(t *schema.Table) (row store.Row, names []string) {
	for _, c := range t.Columns {
		if !store.OnWire(c) || c.ReadOnly || c.LogicalName == t.PrimaryID || len(row) == 40 {
			continue
		}
		var v store.Value
		switch {
		case c.Type == schema.String:
			v = "Contoso Pharmaceuticals"[:min(23, c.MaxLength)]
		case c.Type == schema.Boolean:
			v = true
		case c.Type == schema.Money:
			v = store.Decimal("1234567.89")
		case c.Type == schema.Picklist && len(c.Options) > 0:
			v = c.Options[0].Value
		default:
			continue
		}
		row, names = append(row, store.Field{Column: c, Value: v}), append(names, store.WireName(c))
	}
	return row, names
}

// BenchmarkTrackedPage serves a page of 5,000 accounts with 40 columns.
func BenchmarkTrackedPage(b *testing.B) {
	for _, packed := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "gzip"}[packed], func(b *testing.B) {
			e := devservertest.Start(b)
			account := e.Schema.Table("account")
			row, names := wideAccount(account)
			if err := e.Store.Update(b.Context(), func(tx *store.Tx) error {
				for range 5000 {
					if _, err := tx.Insert(account, row); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
			benchmarkPage(b, e.Server, e.Token(), e.API+"accounts?$select="+strings.Join(names, ","), packed)
		})
	}
}

func benchmarkPage(b *testing.B, s *devserver.Server, token, url string, packed bool) {
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Prefer", `odata.track-changes,odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"`)
		if packed {
			r.Header.Set("Accept-Encoding", "gzip")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		b.SetBytes(int64(w.Body.Len()))
	}
}
