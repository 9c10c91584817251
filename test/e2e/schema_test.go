package e2e

import (
	"path/filepath"
	"slices"
	"testing"

	"lakelink"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
	"lakelink/internal/format/delta"
	"lakelink/test/incrementalreader"
)

// A column that is added to the environment while the service is down is noticed when it starts again.
func TestAnAddedColumnReachesBothFormatsBehindIsDelete(t *testing.T) {
	t.Parallel() // it waits for intervals most of the time
	const column = "new_nickname"
	j := newJob(t, 300)
	j.tables = []lakelink.TableName{"account", "new_device"}
	before := j.env.Fill("account", 5)
	j.start()
	j.create()
	j.equal()
	j.manager.Close()

	next := j.env.Schema.Clone()
	if err := next.Table("account").AddColumn(&schema.Column{LogicalName: column, SchemaName: "new_Nickname", DisplayName: "Nickname",
		Type: schema.String, MaxLength: 40, Format: "Text", ValidOData: true, RequiredLevel: "None", Custom: true}); err != nil {
		t.Fatal(err)
	}
	j.env.Schema = next
	j.env.Restart()
	j.env.Patch("account", before[0], map[string]store.Value{column: "Ada"})
	created := j.env.Insert("account", map[string]store.Value{"name": "New", column: "Grace"})
	j.start()
	j.equal()
	j.env.Patch("account", before[1], map[string]store.Value{column: "Edsger"})
	j.equal()
	j.manager.Close()

	v, err := delta.Files(t.Context(), j.lake, "account")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range v.Columns {
		names = append(names, c.Name)
	}
	if want := []string{"IsDelete", "PartitionId", column}; !slices.Equal(names[len(names)-3:], want) {
		t.Errorf("the columns in Delta end with %v, want %v", names[len(names)-3:], want)
	}
	r := incrementalreader.Open(filepath.Join(j.dir, "lake"))
	rows, columns, err := r.Current("account")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"IsDelete", column}; !slices.Equal(columns[len(columns)-2:], want) {
		t.Errorf("the columns of the folders end with %v, want %v", columns[len(columns)-2:], want)
	}
	for id, want := range map[store.ID]string{before[0]: "Ada", before[1]: "Edsger", before[2]: "", created: "Grace"} {
		row := rows[lakelink.ID(id).String()]
		if len(row) != len(columns) || row[len(columns)-1] != want {
			t.Errorf("account %s has other than %q in its new column: %v", lakelink.ID(id), want, row)
		}
	}
	for _, v := range r.Check() {
		t.Errorf("%s %s: %s", v.Rule, v.Path, v.Detail)
	}
}
