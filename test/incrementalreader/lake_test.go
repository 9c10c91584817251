package incrementalreader

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tinyLake is a lake in memory: slash path → content. A path that ends in /
// is an empty folder.
type tinyLake map[string]string

func (l tinyLake) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for p, content := range l {
		full := filepath.Join(dir, filepath.FromSlash(p))
		if strings.HasSuffix(p, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sub replaces old, which must be there, in one file. It fails loudly because
// a mutation that changes nothing would test nothing.
func (l tinyLake) sub(path, old, new string) {
	content, ok := l[path]
	if !ok || !strings.Contains(content, old) {
		panic(fmt.Sprintf("%s does not contain %q", path, old))
	}
	l[path] = strings.Replace(content, old, new, 1)
}

// subEach does the same in several files.
func (l tinyLake) subEach(old, new string, paths ...string) {
	for _, p := range paths {
		l.sub(p, old, new)
	}
}

// move renames a folder or file, and the folder's name in all text.
func (l tinyLake) move(old, new string) {
	for _, p := range slices.Collect(maps.Keys(l)) {
		if rest, ok := strings.CutPrefix(p, old); ok {
			l[new+rest] = strings.ReplaceAll(l[p], old, new)
			delete(l, p)
		}
	}
}

func (l tinyLake) drop(prefix string) {
	found := false
	for _, p := range slices.Collect(maps.Keys(l)) {
		if strings.HasPrefix(p, prefix) {
			delete(l, p)
			found = true
		}
	}
	if !found {
		panic("nothing begins with " + prefix)
	}
}

const (
	f1 = "2026-11-22T09.15.03Z"
	f2 = "2026-11-22T09.30.03Z"
	f3 = "2026-11-22T09.45.03Z" // open
)

func idOf(n int) string { return fmt.Sprintf("0b6f5d1e-0000-4c1a-9c7e-%012d", n) }

// attributeJSON prints one attribute in the style of the original.
func attributeJSON(name, dataType string, length int) string {
	traits := ""
	switch {
	case dataType == "decimal":
		traits = `,"cdm:traits":[{"traitReference":"is.dataFormat.numeric.shaped","arguments":[{"name":"precision","value":38},{"name":"scale","value":4}]}]`
	case dataType == "string":
		traits = fmt.Sprintf(`,"cdm:traits":[{"traitReference":"is.constrained","arguments":[{"name":"maximumLength","value":%d}]}]`, length)
	}
	return fmt.Sprintf(`{"name":"%s","dataType":"%s","maxLength":%d%s}`, name, dataType, length, traits)
}

var accountColumns = []string{
	attributeJSON("Id", "guid", -1),
	attributeJSON("SinkCreatedOn", "dateTime", -1),
	attributeJSON("SinkModifiedOn", "dateTime", -1),
	attributeJSON("statecode", "int64", -1),
	attributeJSON("ownerid", "guid", -1),
	attributeJSON("revenue", "decimal", -1),
	attributeJSON("donotphone", "boolean", -1),
	attributeJSON("name", "string", 160),
	attributeJSON("latitude", "double", -1),
	attributeJSON("versionnumber", "int64", -1),
	attributeJSON("createdon", "dateTimeOffset", -1),
	attributeJSON("modifiedon", "dateTime", -1),
	attributeJSON("IsDelete", "boolean", -1),
}

// accountLater has a column that was added after the first export.
var accountLater = append(slices.Clone(accountColumns), attributeJSON("tickersymbol", "string", 10))

var contactColumns = []string{
	attributeJSON("Id", "guid", -1),
	attributeJSON("SinkCreatedOn", "dateTime", -1),
	attributeJSON("SinkModifiedOn", "dateTime", -1),
	attributeJSON("fullname", "string", 200),
	attributeJSON("versionnumber", "int64", -1),
	attributeJSON("IsDelete", "boolean", -1),
}

func entityJSON(name string, columns []string, folder string, partitions ...string) string {
	var list []string
	for _, p := range partitions {
		list = append(list, fmt.Sprintf(`{"name":"%s","location":"https://acct.dfs.core.windows.net:443/dataverse-contoso-unq01/%s/%s/%s.csv",`+
			`"fileFormatSettings":{"$type":"CsvFormatSettings","columnHeaders":false},"annotations":[{"name":"Athena:PartitionYear","value":"%s"}]}`, p, folder, name, p, p))
	}
	return fmt.Sprintf(`{"$type":"LocalEntity","name":"%s","description":"%s","annotations":[{"name":"Athena:PartitionGranularity","value":"Year"},`+
		`{"name":"Athena:InitialSyncState","value":"Completed"},{"name":"Athena:InitialSyncDataCompletedTime","value":"11/20/2026 6:02:11 PM"}],`+
		`"attributes":[%s],"partitions":[%s]}`, name, name, strings.Join(columns, ","), strings.Join(list, ","))
}

func modelJSON(entities ...string) string {
	return `{"name":"cdm","description":"cdm","version":"1.0","entities":[` + strings.Join(entities, ",") + `]}`
}

var choiceSamples = map[string]string{
	"OptionsetMetadata.csv":       "account,name,1,False,1033,\"Accounting, and so on\"\naccount,name,1,False,1031,Buchhaltung\n",
	"GlobalOptionsetMetadata.csv": "statecode,0,False,1033,Low,mserp_priority,account,\nstatecode,1,False,1033,\"H \"\"i\"\"gh\",mserp_priority,account,High\n",
	"StateMetadata.csv":           "account,0,False,1033,Active\n",
	"StatusMetadata.csv":          "account,0,1,False,1033,Active\n",
	"TargetMetadata.csv":          "account,ownerid,systemuser,systemuserid\n",
}

// upsert builds an account row; version and minute are its own.
func upsert(n, version int, sink string) string {
	return fmt.Sprintf(`%s,"%s","%s",0,2f0c5d1e-0000-4c1a-9c7e-000000000001,1250.5,True,"Adventure ""Works"", no. %d",-3.25,%d,"2024-03-01T10:00:00.0000000+00:00","2026-11-22T09:14:58.0000000Z",`,
		idOf(n), sink, sink, n, version)
}

func deleteRow(n, version int, sink string) string {
	return fmt.Sprintf(`%s,"%s","%s",,,,,,,%d,"0001-01-03T00:00:00.0000000",,True`, idOf(n), sink, sink, version)
}

func lines(rows ...string) string { return strings.Join(rows, "\n") + "\n" }

// goodLake has two closed folders and an open one:
//
//	f1: account 1 (90), 2 (100), 3 (101) initial load; contact empty
//	f2: account 1 updated (120), 2 deleted (130); contact 1 (95)
//	f3: open, choice files only
func goodLake() tinyLake {
	l := tinyLake{
		"Changelog/changelog.info": f3,
		"Changelog/Synapse.log":    f1 + "\n" + f2 + "\n",
		"model.json":               modelJSON(entityJSON("account", accountLater, ""), entityJSON("contact", contactColumns, "")),

		f1 + "/model.json": modelJSON(entityJSON("account", accountColumns, f1, "2023", "2024"), entityJSON("contact", contactColumns, f1)),
		f1 + "/Microsoft.Athena.TrickleFeedService/account-model.json": modelJSON(entityJSON("account", accountColumns, f1, "2023", "2024")),
		f1 + "/account/2023.csv":  lines(upsert(1, 90, "11/22/2026 9:15:04 AM")),
		f1 + "/account/2024.csv":  lines(upsert(2, 100, "11/22/2026 9:15:04 AM"), upsert(3, 101, "11/22/2026 9:15:05 AM")),
		f1 + "/_manifest.json":    `{"rows":3}`,
		"_lakelink/state/x.json":  `{}`,
		"EntitySyncFailure/x.txt": "",
		"deltalake/account_partitioned/_delta_log/00000000000000000000.json":    `{}`,
		"Microsoft.Athena.TrickleFeedService/account-model.json":                modelJSON(entityJSON("account", accountLater, "")),
		f1 + "/Microsoft.Athena.TrickleFeedService/account-EntityMetadata.json": `{"AttributeMetadata":[],"OptionSetMetadata":[],"GlobalOptionSetMetadata":[],"StateMetadata":[],"StatusMetadata":[],"TargetMetadata":[]}`,

		f2 + "/model.json": modelJSON(entityJSON("account", accountLater, f2, "1", "2023"), entityJSON("contact", contactColumns, f2, "1900")),
		f2 + "/Microsoft.Athena.TrickleFeedService/account-model.json": modelJSON(entityJSON("account", accountLater, f2, "1", "2023")),
		f2 + "/Microsoft.Athena.TrickleFeedService/contact-model.json": modelJSON(entityJSON("contact", contactColumns, f2, "1900")),
		f2 + "/account/1.csv":    lines(deleteRow(2, 130, "11/22/2026 9:31:00 AM") + ","),
		f2 + "/account/2023.csv": lines(upsert(1, 120, "11/22/2026 9:30:04 AM") + `,"A` + "\n" + `B"`),
		f2 + "/contact/1900.csv": lines(idOf(1)+`,"11/22/2026 12:30:04 PM","11/22/2026 12:30:04 PM","Ünal",95,`, idOf(2)+`,"11/22/2026 12:30:04 PM","11/22/2026 12:30:04 PM",,96,`),
	}
	for _, f := range []string{f1, f2, f3} {
		for name, content := range choiceSamples {
			l[f+"/OptionsetMetadata/"+name] = content
		}
	}
	return l
}

// check runs a reader over a lake.
func check(t *testing.T, l tinyLake) []Violation {
	t.Helper()
	return Open(l.write(t)).Check()
}

func wantNone(t *testing.T, got []Violation) {
	t.Helper()
	for _, v := range got {
		t.Errorf("unexpected: %s", v)
	}
}

func wantRule(t *testing.T, got []Violation, rule string) {
	t.Helper()
	for _, v := range got {
		if v.Rule == rule {
			return
		}
	}
	t.Errorf("no violation of %s, but: %v", rule, got)
}
