package incrementalreader

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestGoodLake(t *testing.T) {
	wantNone(t, check(t, goodLake()))
	r := Open(goodLake().write(t))
	r.Live = true
	wantNone(t, r.Check())
}

const (
	a1    = f1 + "/account/2024.csv"
	a1old = f1 + "/account/2023.csv"
	a2    = f2 + "/account/2023.csv"
	a2del = f2 + "/account/1.csv"
	ct2   = f2 + "/contact/1900.csv"
	m1    = f1 + "/model.json"
	m2    = f2 + "/model.json"
	t1    = f1 + "/Microsoft.Athena.TrickleFeedService/account-model.json"
	t2    = f2 + "/Microsoft.Athena.TrickleFeedService/account-model.json"
	k1    = f1 + "/OptionsetMetadata/"
	k3    = f3 + "/OptionsetMetadata/"
)

// broken lists lakes with one thing wrong each. only means that nothing but
// this rule may be reported; the others cannot be broken alone.
var broken = []struct {
	rule, name string
	only       bool
	change     func(l tinyLake)
}{
	// Layout
	{"L1", "month 13", true, func(l tinyLake) { l["2026-13-22T09.15.03Z/OptionsetMetadata.txt"] = "" }},
	{"L1", "no Z", false, func(l tinyLake) { l["2026-11-22T99.99.99/x"] = "" }},
	{"L2a", "model.json in a side folder", true, func(l tinyLake) { l["_lakelink/model.json"] = "{}" }},
	{"L2a", "table in a side folder", true, func(l tinyLake) { l["_lakelink/account/1.csv"] = "" }},
	{"L2a", "choices in a reserved folder", true, func(l tinyLake) { l["deltalake/OptionsetMetadata/a.csv"] = "" }},
	{"L3", "nested batch", false, func(l tinyLake) { l[f1+"/"+f2+"/"] = "" }},
	{"L4", "newline", false, func(l tinyLake) { l["Changelog/changelog.info"] += "\n" }},
	{"L4", "BOM", false, func(l tinyLake) { l["Changelog/changelog.info"] = "\ufeff" + f3 }},
	{"L4", "two names", false, func(l tinyLake) { l["Changelog/changelog.info"] += "," + f2 }},
	{"L4", "colons", false, func(l tinyLake) { l["Changelog/changelog.info"] = strings.ReplaceAll(f3, ".", ":") }},
	{"L4", "empty", false, func(l tinyLake) { l["Changelog/changelog.info"] = "" }},
	{"L4", "missing", false, func(l tinyLake) { l.drop("Changelog/changelog.info") }},
	{"L4", "file case", false, func(l tinyLake) { l.move("Changelog/changelog.info", "Changelog/Changelog.info") }},
	{"L4", "folder case", false, func(l tinyLake) { l.move("Changelog/", "changelog/") }},
	{"L5", "newer than the open one", true, func(l tinyLake) { l["2026-11-22T10.00.03Z/OptionsetMetadata/StateMetadata.csv"] = "" }},
	{"L5", "open one missing", false, func(l tinyLake) { l["Changelog/changelog.info"] = "2026-11-22T10.00.03Z"; l.drop(f3) }},
	{"L5", "open one empty", false, func(l tinyLake) { l.drop(f3); l[f3+"/"] = "" }},
	{"L5", "closed without marker", false, func(l tinyLake) { l.drop(m1) }},
	{"L6", "colons", true, func(l tinyLake) { l["2026-11-22T09:15:03.000Z/x"] = "" }},
	{"L6", "docs' spelling", true, func(l tinyLake) { l["2026-11-22T09:15:03:123Z/x"] = "" }},
	{"L6", "date", true, func(l tinyLake) { l["2026-11-22/x"] = "" }},
	{"L7", "upper-case extension", false, func(l tinyLake) { l[f1+"/account/2022.CSV"] = "" }},
	{"L7", "unknown table", true, func(l tinyLake) { l[f1+"/lead/2024.csv"] = "" }},
	{"L7", "table in other case", true, func(l tinyLake) { l[f1+"/Contact/2024.csv"] = "" }},
	{"L7", "temporary file", true, func(l tinyLake) { l[f1+"/account/.2024.csv.tmp"] = "" }},
	{"L7", "deeper", true, func(l tinyLake) { l[f1+"/account/x/1.csv"] = "" }},
	{"L8", "overflow name", false, func(l tinyLake) { l.move(a1, f1+"/account/2024_001.csv") }},
	{"L8", "month name, open folder", true, func(l tinyLake) { l[f3+"/account/2024-03.csv"] = "" }},
	{"L9", "empty table folder", true, func(l tinyLake) { l[f1+"/contact/"] = "" }},
	{"L10", "table at the root", true, func(l tinyLake) { l["account/2024.csv"] = "" }},
	{"L10", "sorts before the batches", true, func(l tinyLake) { l["00-state/x"] = "" }},
	{"L10", "file at the root", true, func(l tinyLake) { l["readme.txt"] = "" }},
	{"L10", "csv manifest", true, func(l tinyLake) { l[f1+"/_manifest.csv"] = "" }},
	{"L10", "csv among the model files", true, func(l tinyLake) { l[f1+"/Microsoft.Athena.TrickleFeedService/x.csv"] = "" }},
	{"L10", "sixth choice file", true, func(l tinyLake) { l[k1+"OtherMetadata.csv"] = "" }},
	{"L10", "table with a reserved name", false, func(l tinyLake) { l.sub("model.json", `"name":"contact"`, `"name":"deltalake"`) }},

	// model.json
	{"M1", "name", true, func(l tinyLake) { l.sub(m1, `"name":"cdm"`, `"name":"CDM"`) }},
	{"M1", "version", true, func(l tinyLake) { l.sub(m1, `"version":"1.0"`, `"version":1.0`) }},
	{"M1", "no description", true, func(l tinyLake) { l.sub(m1, `"description":"cdm",`, ``) }},
	{"M1", "member in other case", true, func(l tinyLake) { l.sub(m1, `"version"`, `"Version"`) }},
	{"M1", "root model", true, func(l tinyLake) { l.sub("model.json", `"version":"1.0"`, `"version":"1"`) }},
	{"M1", "cut off", false, func(l tinyLake) { l[m2] = l[m2][:len(l[m2])-20] }},
	{"M1", "BOM", false, func(l tinyLake) { l[m1] = "\ufeff" + l[m1] }},
	{"M2", "no $type", true, func(l tinyLake) { l.sub(m1, `"$type":"LocalEntity",`, ``) }},
	{"M2", "no description", true, func(l tinyLake) { l.sub(m1, `"description":"account",`, ``) }},
	{"M2", "no attributes", false, func(l tinyLake) { l.sub(m1, `"attributes"`, `"fields"`) }},
	{"M2", "no entities", false, func(l tinyLake) { l[m1] = `{"name":"cdm","description":"cdm","version":"1.0"}` }},
	{"M2", "dot in the name", false, func(l tinyLake) { l.sub(m1, `"name":"contact"`, `"name":"con.tact"`) }},
	{"M3", "zero bytes in a closed folder", true, func(l tinyLake) { l[m2] = "" }},
	{"M3", "marker in the open folder", false, func(l tinyLake) { l[f3+"/model.json"] = l["model.json"] }},
	{"M4", "table missing", false, func(l tinyLake) { l[m2] = modelJSON(entityJSON("account", accountLater, f2, "1", "2023")) }},
	{"M4", "not sorted", true, func(l tinyLake) {
		l[m1] = modelJSON(entityJSON("contact", contactColumns, f1), entityJSON("account", accountColumns, f1, "2023", "2024"))
	}},
	{"M4", "twice", true, func(l tinyLake) {
		l[m1] = modelJSON(entityJSON("account", accountColumns, f1, "2023", "2024"), entityJSON("contact", contactColumns, f1), entityJSON("contact", contactColumns, f1))
	}},
	{"M5a", "inner space", true, func(l tinyLake) { l.sub(m1, `"partitions":[]`, `"partitions":[ ]`) }},
	{"M5a", "null", true, func(l tinyLake) { l.sub(m1, `"partitions":[]`, `"partitions":null`) }},
	{"M5a", "absent", true, func(l tinyLake) { l.sub(m1, `,"partitions":[]`, ``) }},
	{"M5", "file without partition", true, func(l tinyLake) {
		l[m1] = modelJSON(entityJSON("account", accountColumns, f1, "2024"), entityJSON("contact", contactColumns, f1))
	}},
	{"M5", "files and []", false, func(l tinyLake) {
		l[m1] = modelJSON(entityJSON("account", accountColumns, f1), entityJSON("contact", contactColumns, f1))
	}},
	{"M5", "partition without file", true, func(l tinyLake) { l.drop(a1old) }},
	{"M5", "relative location", false, func(l tinyLake) { l.sub(m1, `https://acct.dfs.core.windows.net:443/`, `/`) }},
	{"M5", "location in another folder", true, func(l tinyLake) { l.sub(m1, f1+"/account", f2+"/account") }},
	{"M5", "no container", true, func(l tinyLake) { l.sub(m1, "/dataverse-contoso-unq01/", "/") }},
	{"M5", "name with extension", false, func(l tinyLake) { l.sub(m1, `{"name":"2024"`, `{"name":"2024.csv"`) }},
	{"M6", "attribute more than cells", false, func(l tinyLake) {
		l[m1] = modelJSON(entityJSON("account", accountLater, f1, "2023", "2024"), entityJSON("contact", contactColumns, f1))
		l[t1] = modelJSON(entityJSON("account", accountLater, f1, "2023", "2024"))
	}},
	{"M7", "Id as string", false, func(l tinyLake) {
		l.subEach(`"name":"Id","dataType":"guid"`, `"name":"Id","dataType":"string"`, m1, m2)
	}},
	{"M7", "isDelete", false, func(l tinyLake) { l.sub(m2, `"IsDelete"`, `"isDelete"`) }},
	{"M7", "no versionnumber", false, func(l tinyLake) { l.sub(m1, `"versionnumber"`, `"version"`) }},
	{"M8", "other first trait", true, func(l tinyLake) {
		l.sub(m1, `[{"traitReference":"is.dataFormat.numeric.shaped"`, `[{"traitReference":"is.dataFormat.decimal"},{"traitReference":"is.dataFormat.numeric.shaped"`)
	}},
	{"M8", "text values", true, func(l tinyLake) { l.sub(m1, `"value":38`, `"value":"38"`) }},
	{"M8", "scale first", true, func(l tinyLake) {
		l.sub(m1, `{"name":"precision","value":38},{"name":"scale","value":4}`, `{"name":"scale","value":4},{"name":"precision","value":38}`)
	}},
	{"M8", "no trait", true, func(l tinyLake) {
		l.sub(m1, `"cdm:traits":[{"traitReference":"is.dataF`, `"traits":[{"traitReference":"is.dataF`)
	}},
	{"M9", "absent in the root model", true, func(l tinyLake) { l.sub("model.json", `"guid","maxLength":-1`, `"guid"`) }},
	{"M9", "text", true, func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":"160"`) }},
	{"M9", "fraction", true, func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":160.0`) }},
	{"M9", "4001", true, func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":4001`) }},
	{"M9", "7999", true, func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":7999`) }},
	{"M9", "0", true, func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":0`) }},
	{"M9", "length of a number", true, func(l tinyLake) { l.sub(m1, `"int64","maxLength":-1`, `"int64","maxLength":20`) }},
	{"M10", "granularity", true, func(l tinyLake) { l.sub(m1, `"value":"Year"`, `"value":"Week"`) }},
	{"M10", "granularity twice", true, func(l tinyLake) {
		l.sub(m1, `{"name":"Athena:PartitionGranularity","value":"Year"}`, `{"name":"Athena:PartitionGranularity","value":"Year"},{"name":"Athena:PartitionGranularity","value":"Year"}`)
	}},
	{"M10", "not completed", true, func(l tinyLake) { l.sub(m1, `"value":"Completed"`, `"value":"InProgress"`) }},
	{"M10", "no state", true, func(l tinyLake) { l.sub(m1, `Athena:InitialSyncState`, `Athena:State`) }},
	{"M11", "date", false, func(l tinyLake) {
		for _, m := range []string{m1, m2, t1, t2, "model.json", "Microsoft.Athena.TrickleFeedService/account-model.json"} {
			l.sub(m, `"name":"modifiedon","dataType":"dateTime"`, `"name":"modifiedon","dataType":"date"`)
		}
	}},
	{"M12", "column moved", false, func(l tinyLake) { l.sub(m1, `"statecode"`, `"statuscode"`) }},
	{"M12", "type changed", false, func(l tinyLake) {
		l.subEach(`"name":"name","dataType":"string"`, `"name":"name","dataType":"guid"`, m1, t1)
	}},
	{"M13", "root model missing", true, func(l tinyLake) { l.drop("model.json") }},
	{"M13", "root model older", false, func(l tinyLake) {
		l["model.json"] = modelJSON(entityJSON("account", accountColumns, ""), entityJSON("contact", contactColumns, ""))
	}},
	{"M13", "table missing in the root", true, func(l tinyLake) {
		l["model.json"] = modelJSON(entityJSON("account", accountLater, ""))
	}},
	{"M14", "missing", true, func(l tinyLake) { l.drop(t1) }},
	{"M14", "other order", true, func(l tinyLake) { l.sub(t1, `"statecode"`, `"statuscode"`) }},
	{"M14", "another table", true, func(l tinyLake) { l[t1] = modelJSON(entityJSON("contact", contactColumns, "")) }},
	{"M14", "table not in the model", true, func(l tinyLake) {
		l[f1+"/Microsoft.Athena.TrickleFeedService/lead-model.json"] = modelJSON(entityJSON("lead", contactColumns, ""))
	}},
	{"M14", "root", true, func(l tinyLake) {
		l["Microsoft.Athena.TrickleFeedService/account-model.json"] = modelJSON(entityJSON("account", accountColumns, ""))
	}},
	{"M16", "quote in a name", false, func(l tinyLake) { l.sub("model.json", `"tickersymbol"`, `"ticker'symbol"`) }},
	{"M16", "backslash in a name", false, func(l tinyLake) { l.sub("model.json", `"tickersymbol"`, `"ticker\\symbol"`) }},
	{"M16", "too long", true, func(l tinyLake) { l[m1] += strings.Repeat(" ", maxModelSize) }},

	// CSV
	{"C1", "header", true, func(l tinyLake) {
		l[a1] = "Id,SinkCreatedOn,SinkModifiedOn,statecode,ownerid,revenue,donotphone,name,latitude,versionnumber,createdon,modifiedon,IsDelete\n" + l[a1]
	}},
	{"C2", "quote in a bare field", false, func(l tinyLake) { l.sub(a1, `1250.5,`, `12"50.5,`) }},
	{"C2", "text after a quote", false, func(l tinyLake) { l.sub(a1, `"Adventure ""Works""`, `"Adventure "Works""`) }},
	{"C2", "bare CR", false, func(l tinyLake) { l.sub(a1, "1250.5,", "1250.5\r,") }},
	{"C3", "too few", false, func(l tinyLake) {
		l[ct2] += idOf(3) + `,"11/22/2026 12:30:04 PM","11/22/2026 12:30:04 PM","x",97` + "\n"
	}},
	{"C3", "too many", false, func(l tinyLake) { l.sub(ct2, ",95,\n", ",95,,\n") }},
	{"C3", "narrower again", false, func(l tinyLake) {
		l[a2] += upsert(4, 121, "11/22/2026 9:30:04 AM") + "\n" // 13 cells after 14
	}},
	{"C4", "ragged right", false, func(l tinyLake) { l[a2del] = lines(deleteRow(2, 130, "11/22/2026 9:31:00 AM")) }},
	{"C5", "24 hours", false, func(l tinyLake) { l.sub(ct2, `"11/22/2026 12:30:04 PM"`, `"11/22/2026 0:30:04 PM"`) }},
	{"C5", "zero padding", true, func(l tinyLake) { l.sub(a1, `"11/22/2026 9:15:04 AM","11`, `"11/22/2026 09:15:04 AM","11`) }},
	{"C5", "lower case", true, func(l tinyLake) { l.sub(a1, `AM`, `am`) }},
	{"C5", "ISO", true, func(l tinyLake) { l.sub(a1, `"11/22/2026 9:15:04 AM"`, `"2026-11-22T09:15:04Z"`) }},
	{"C5", "narrow no-break space", true, func(l tinyLake) { l.sub(a1, ` AM`, "\u202fAM") }},
	{"C5", "empty", true, func(l tinyLake) { l.sub(a1, `"11/22/2026 9:15:04 AM"`, ``) }},
	{"C6", "space for T", true, func(l tinyLake) { l.sub(a1, `"2026-11-22T09:14:58.0000000Z"`, `"2026-11-22 09:14:58"`) }},
	{"C6", "offset in a dateTime", true, func(l tinyLake) { l.sub(a1, `58.0000000Z`, `58.0000000+00:00`) }},
	{"C6", "six digits", true, func(l tinyLake) { l.sub(a1, `58.0000000Z`, `58.000000Z`) }},
	{"C6", "31 February", true, func(l tinyLake) { l.sub(a1, `2026-11-22T09:14`, `2026-02-31T09:14`) }},
	{"C6", "no fraction before the offset", true, func(l tinyLake) { l.sub(a1, `00.0000000+00:00`, `00+00:00`) }},
	{"C6", "other offset", true, func(l tinyLake) { l.sub(a1, `0000000+00:00`, `0000000+01:00`) }},
	{"C7", "lower case", true, func(l tinyLake) { l.sub(a1, `,True,`, `,true,`) }},
	{"C7", "1", true, func(l tinyLake) { l.sub(a1, `,True,`, `,1,`) }},
	{"C8", "grouped int", true, func(l tinyLake) { l.sub(a1, `AM",0,`, `AM",1 000,`) }},
	{"C8", "fraction in an int", true, func(l tinyLake) { l.sub(a1, `AM",0,`, `AM",1.0,`) }},
	{"C8", "over 64 bits", true, func(l tinyLake) { l.sub(a1, `AM",0,`, `AM",9223372036854775808,`) }},
	{"C8", "exponent", true, func(l tinyLake) { l.sub(a1, `1250.5`, `1.2505E3`) }},
	{"C8", "more than the scale", true, func(l tinyLake) { l.sub(a1, `1250.5`, `1250.12345`) }},
	{"C8", "more than the precision", true, func(l tinyLake) { l.sub(a1, `1250.5`, strings.Repeat("9", 35)) }},
	{"C8", "decimal point missing its digits", true, func(l tinyLake) { l.sub(a1, `1250.5`, `1250.`) }},
	{"C8", "NaN", true, func(l tinyLake) { l.sub(a1, `-3.25`, `NaN`) }},
	{"C8", "no version", true, func(l tinyLake) { l.sub(ct2, `,96,`, `,,`) }},
	{"C9", "delete among upserts", false, func(l tinyLake) { l[a2] += deleteRow(3, 131, "11/22/2026 9:31:00 AM") + ",\n" }},
	{"C9", "upsert among deletes", false, func(l tinyLake) { l[a2del] += upsert(3, 131, "11/22/2026 9:31:00 AM") + ",\n" }},
	{"C10", "deletes in a great number", true, func(l tinyLake) {
		l.move(a2del, f2+"/account/9999.csv")
		for _, m := range []string{m2, t2} {
			l[m] = strings.ReplaceAll(strings.ReplaceAll(l[m], `"name":"1"`, `"name":"9999"`), "/account/1.csv", "/account/9999.csv")
		}
	}},
	{"C11", "delete without version", true, func(l tinyLake) { l.sub(a2del, `,130,`, `,,`) }},
	{"C11", "delete without Id", true, func(l tinyLake) { l.sub(a2del, idOf(2), ``) }},
	{"C11", "delete without Sink", true, func(l tinyLake) { l.sub(a2del, `"11/22/2026 9:31:00 AM","`, `,"`) }},
	{"C12", "no Id", true, func(l tinyLake) { l.sub(a1, idOf(3), ``) }},
	{"C12", "same version, other values", false, func(l tinyLake) {
		l[a2] += strings.Replace(upsert(3, 101, "11/22/2026 9:30:05 AM"), "1250.5", "7", 1) + ",\n"
	}},
	{"C12", "back-fill under the same version", false, func(l tinyLake) { l[a2] += upsert(3, 101, "11/22/2026 9:30:05 AM") + `,"ABC"` + "\n" }},
	{"C13", "names differ by case", false, func(l tinyLake) { l.sub("model.json", `"name":"tickersymbol"`, `"name":"ISDELETE"`) }},
	{"C14", "blank line", true, func(l tinyLake) { l[a1] += "\n" }},
	{"C14", "quoted empty last cell", true, func(l tinyLake) { l.sub(a2, "\"A\nB\"", `""`) }},
	{"C14", "unterminated quote", true, func(l tinyLake) { l[a1] += idOf(4) + `,"11/22/2026` }},

	// Sections
	{"3.1", "bare string", true, func(l tinyLake) { l.sub(ct2, `"Ünal"`, `Ünal`) }},
	{"3.1", "bare date", true, func(l tinyLake) { l.sub(a1, `"2026-11-22T09:14:58.0000000Z"`, `2026-11-22T09:14:58.0000000Z`) }},
	{"3.1", "quoted guid", true, func(l tinyLake) { l.sub(a1, idOf(2), `"`+idOf(2)+`"`) }},
	{"3.1", "quoted number", true, func(l tinyLake) { l.sub(a1, `,1250.5,`, `,"1250.5",`) }},
	{"3.1", "quoted null", true, func(l tinyLake) { l.sub(a1, `,1250.5,`, `,"",`) }},
	{"3.1", "CR LF", true, func(l tinyLake) { l[a1] = strings.ReplaceAll(l[a1], "\n", "\r\n") }},
	{"3.1", "BOM", true, func(l tinyLake) { l[a1] = "\ufeff" + l[a1] }},
	{"3.1", "not UTF-8", true, func(l tinyLake) { l.sub(ct2, "Ü", "\xdc") }},
	{"3.1", "no line end", true, func(l tinyLake) { l[a1] = strings.TrimSuffix(l[a1], "\n") }},
	{"3.2", "upper-case guid", true, func(l tinyLake) { l.sub(a1, `2f0c5d1e`, `2F0C5D1E`) }},
	{"3.2", "braces", true, func(l tinyLake) {
		l.sub(a1, `2f0c5d1e-0000-4c1a-9c7e-000000000001`, `{2f0c5d1e-0000-4c1a-9c7e-000000000001}`)
	}},
	{"3.2", "padded decimal", true, func(l tinyLake) { l.sub(a1, `1250.5`, `1250.5000`) }},
	{"3.4", "IsDelete False", true, func(l tinyLake) { l.sub(ct2, ",95,\n", ",95,False\n") }},

	// Order
	{"O1", "version goes back", false, func(l tinyLake) { l.sub(a2, `,120,`, `,80,`) }},
	{"O1", "delete at the version of the upsert", false, func(l tinyLake) { l.sub(a2del, `,130,`, `,100,`) }},
	{"O1", "upsert below its delete", false, func(l tinyLake) { closeThird(l, upsert(2, 125, "11/22/2026 9:46:00 AM")) }},
	{"O2", "sink goes back", true, func(l tinyLake) {
		l[a1] = lines(upsert(2, 100, "11/22/2026 9:15:05 AM"), upsert(3, 101, "11/22/2026 9:15:04 AM"))
	}},
	{"O7", "new row below the greatest", true, func(l tinyLake) { l[a2] += upsert(4, 99, "11/22/2026 9:30:05 AM") + ",\n" }},
	{"O7", "delete below the greatest", true, func(l tinyLake) {
		l[a2del] = lines(deleteRow(1, 95, "11/22/2026 9:31:00 AM")+",", deleteRow(2, 130, "11/22/2026 9:31:00 AM")+",")
		l[a2] = lines(upsert(4, 120, "11/22/2026 9:30:05 AM") + ",")
	}},
	{"O8", "twice in a file", true, func(l tinyLake) { l[a2] += upsert(1, 121, "11/22/2026 9:30:05 AM") + ",\n" }},
	{"O8", "upsert and delete", true, func(l tinyLake) { l[a2] += upsert(2, 121, "11/22/2026 9:30:05 AM") + ",\n" }},
	{"O8", "in two files", true, func(l tinyLake) { l[a1old] += upsert(2, 100, "11/22/2026 9:15:06 AM") + "\n" }},
	{"O9", "same second", true, func(l tinyLake) { l[a2] = lines(upsert(1, 120, "11/22/2026 9:15:04 AM") + ",") }},

	// Choices
	{"K1", "missing file", true, func(l tinyLake) { l.drop(k1 + "TargetMetadata.csv") }},
	{"K1", "column missing", true, func(l tinyLake) { l[k1+"StateMetadata.csv"] = "account,0,False,1033\n" }},
	{"K1", "text for an option", true, func(l tinyLake) { l.sub(k1+"OptionsetMetadata.csv", "name,1,", "name,one,") }},
	{"K1", "flag", true, func(l tinyLake) { l.sub(k1+"StateMetadata.csv", "False", "0") }},
	{"K1", "label of 701", true, func(l tinyLake) { l.sub(k1+"StateMetadata.csv", "Active", strings.Repeat("x", 701)) }},
	{"K1", "entity and option set swapped", true, func(l tinyLake) { l.sub(k1+"OptionsetMetadata.csv", "account,name,", "name,account,") }},
	{"K1", "global names swapped", true, func(l tinyLake) {
		l.sub(k1+globalChoices, "statecode,0,False,1033,Low,mserp_priority,account", "mserp_priority,0,False,1033,Low,statecode,account")
	}},
	{"K1", "entity and global name swapped", true, func(l tinyLake) { l.sub(k1+globalChoices, "mserp_priority,account", "account,mserp_priority") }},
	{"C1", "header in a choice file", true, func(l tinyLake) {
		l[k1+"StateMetadata.csv"] = "EntityName,State,IsUserLocalizedLabel,LocalizedLabelLanguageCode,LocalizedLabel\n" + l[k1+"StateMetadata.csv"]
	}},
	{"K2", "array missing", true, func(l tinyLake) {
		l.sub(f1+"/Microsoft.Athena.TrickleFeedService/account-EntityMetadata.json", `"StateMetadata":[],`, ``)
	}},
	{"K2", "lines", true, func(l tinyLake) { l[f1+"/Microsoft.Athena.TrickleFeedService/account-EntityMetadata.json"] += "{}" }},
	{"K3", "key twice", true, func(l tinyLake) { l[k1+"StateMetadata.csv"] += "account,0,False,1033,Aktiv\n" }},
	{"K3", "no global name", true, func(l tinyLake) { l.sub(k1+globalChoices, "mserp_priority", "") }},
	{"K3", "no language", true, func(l tinyLake) { l.sub(k1+"StatusMetadata.csv", "1033", "") }},
	{"K3", "open folder", true, func(l tinyLake) { l.sub(k3+globalChoices, "mserp_priority", "") }},
	{"K4", "missing", true, func(l tinyLake) { l.drop(k3 + globalChoices) }},
	{"K4", "not full", true, func(l tinyLake) { l[k3+globalChoices] = "" }},
	{"K4", "seven columns", true, func(l tinyLake) { l.sub(k3+globalChoices, "account,\n", "account\n") }},
}

// closeThird closes the open folder with one account row and opens a fourth.
func closeThird(l tinyLake, row string) {
	const f4 = "2026-11-22T10.00.03Z"
	l[f3+"/account/2024.csv"] = row + ",\n"
	l[f3+"/model.json"] = modelJSON(entityJSON("account", accountLater, f3, "2024"), entityJSON("contact", contactColumns, f3))
	l[f3+"/Microsoft.Athena.TrickleFeedService/account-model.json"] = modelJSON(entityJSON("account", accountLater, f3, "2024"))
	for name, content := range choiceSamples {
		l[f4+"/OptionsetMetadata/"+name] = content
	}
	l["Changelog/changelog.info"] = f4
}

func TestBrokenLakes(t *testing.T) {
	for _, b := range broken {
		t.Run(b.rule+" "+b.name, func(t *testing.T) {
			l := goodLake()
			b.change(l)
			got := check(t, l)
			wantRule(t, got, b.rule)
			if b.only {
				for _, v := range got {
					if v.Rule != b.rule {
						t.Errorf("besides: %s", v)
					}
				}
			}
		})
	}
}

// TestAllowed holds what differs from the sample and is right all the same.
func TestAllowed(t *testing.T) {
	for name, change := range map[string]func(l tinyLake){
		"exact repeat":           func(l tinyLake) { l[a2] += upsert(3, 101, "11/22/2026 9:30:05 AM") + ",\n" },
		"re-created":             func(l tinyLake) { closeThird(l, upsert(2, 140, "11/22/2026 9:46:00 AM")) },
		"delete repeated":        func(l tinyLake) { closeThird(l, deleteRow(2, 130, "11/22/2026 9:46:00 AM")) },
		"below a deleted row":    belowDeleted,
		"seven global columns":   func(l tinyLake) { l.sub(k1+globalChoices, "account,\n", "account\n") },
		"empty choice files":     func(l tinyLake) { l[k1+"StateMetadata.csv"] = "" },
		"zero-byte open marker":  func(l tinyLake) { l[f3+"/model.json"] = "" },
		"half-written open file": func(l tinyLake) { l[f3+"/account/2024.csv"] = `x,"` },
		"table left the profile": func(l tinyLake) {
			closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
			l[f3+"/model.json"] = modelJSON(entityJSON("account", accountLater, f3, "2024"))
			l["model.json"] = modelJSON(entityJSON("account", accountLater, ""))
		},
		"table added later": func(l tinyLake) {
			l[m1] = modelJSON(entityJSON("account", accountColumns, f1, "2023", "2024"))
		},
		"not yet loaded table": func(l tinyLake) {
			l[m1] = strings.Replace(l[m1], lastCompleted, `"value":"NotStarted"},{"name":"Athena:InitialSyncDataCompletedTime","value":"11/20/2026 6:02:11 PM"}],"attributes":[`+strings.Join(contactColumns, ","), 1)
		},
		"unknown members":        func(l tinyLake) { l.sub(m1, `"version":"1.0"`, `"version":"1.0","culture":"en-US","cdm:imports":[]`) },
		"memo":                   func(l tinyLake) { l.sub(m1, `"maxLength":160`, `"maxLength":9999`) },
		"empty string in quotes": func(l tinyLake) { l.sub(ct2, `"Ünal"`, `""`) },
		"short ISO":              func(l tinyLake) { l.sub(a1, `58.0000000Z`, `58Z`) },
		"no zone":                func(l tinyLake) { l.sub(a1, `58.0000000Z`, `58.0000000`) },
		"midnight":               func(l tinyLake) { l[a2] = lines(upsert(1, 120, "11/23/2026 12:00:00 AM") + ",") },
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			change(l)
			wantNone(t, check(t, l))
		})
	}
}

var lastCompleted = `"value":"Completed"},{"name":"Athena:InitialSyncDataCompletedTime","value":"11/20/2026 6:02:11 PM"}],"attributes":[` + strings.Join(contactColumns, ",")

// belowDeleted deletes the row with the greatest version in f2; what is above
// the remaining live rows may follow in f3 (O7 speaks of live rows).
func belowDeleted(l tinyLake) {
	l[a2del] = lines(deleteRow(1, 300, "11/22/2026 9:31:00 AM")+",", deleteRow(2, 301, "11/22/2026 9:31:00 AM")+",")
	l[a2] = lines(upsert(4, 102, "11/22/2026 9:30:04 AM") + ",")
	closeThird(l, upsert(5, 103, "11/22/2026 9:46:00 AM"))
}

func TestRemovedTables(t *testing.T) {
	l := goodLake()
	closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
	l[f3+"/model.json"] = modelJSON(entityJSON("account", accountLater, f3, "2024"))
	r := Open(l.write(t))
	wantRule(t, r.Check(), "M4")
	r.Removed = []string{"contact"}
	wantNone(t, r.Check())
}

// TestLive holds the states in the middle of closing a batch (§14.2).
func TestLive(t *testing.T) {
	for name, change := range map[string]func(l tinyLake){
		"marker before the switch": func(l tinyLake) {
			closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
			l.drop("2026-11-22T10.00.03Z")
			l["Changelog/changelog.info"] = f3
		},
		"next folder prepared": func(l tinyLake) {
			closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
			l["Changelog/changelog.info"] = f3
		},
		"first folder not announced": func(l tinyLake) {
			l.drop(f1)
			l.drop(f2)
			l.drop("Changelog")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := goodLake()
			change(l)
			r := Open(l.write(t))
			if len(r.Check()) == 0 {
				t.Error("no violation without Live")
			}
			r.Live = true
			wantNone(t, r.Check())
		})
	}
	t.Run("incomplete marked folder", func(t *testing.T) {
		l := goodLake()
		closeThird(l, upsert(3, 140, "11/22/2026 9:46:00 AM"))
		l["Changelog/changelog.info"] = f3
		l.drop(f3 + "/account")
		r := Open(l.write(t))
		r.Live = true
		wantRule(t, r.Check(), "M5")
	})
	t.Run("data in the prepared folder", func(t *testing.T) {
		l := goodLake()
		l["2026-11-22T10.00.03Z/account/2024.csv"] = "x"
		r := Open(l.write(t))
		r.Live = true
		wantRule(t, r.Check(), "L5")
	})
}

func TestTimes(t *testing.T) {
	dir := goodLake().write(t)
	r := Open(dir)
	r.Times = true
	now := time.Now()
	for _, f := range []string{f1, f2} {
		if err := os.Chtimes(filepath.Join(dir, f, "model.json"), now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	wantNone(t, r.Check())
	if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(a1)), now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantRule(t, r.Check(), "M3")
}

// TestFlood: a thoroughly broken file does not give a violation per row.
func TestFlood(t *testing.T) {
	l := goodLake()
	var rows []string
	for i := range 1000 {
		rows = append(rows, strings.Replace(upsert(i+10, 200+i, "11/22/2026 9:15:04 AM"), "True", "yes", 1))
	}
	l[a1] = lines(rows...)
	n := 0
	for _, v := range check(t, l) {
		if v.Rule == "C7" {
			n++
		}
	}
	if n != maxPerRuleAndPath {
		t.Errorf("%d violations", n)
	}
}

func TestMissingLake(t *testing.T) {
	r := Open(filepath.Join(t.TempDir(), "none"))
	wantRule(t, r.Check(), "IO")
	if _, _, err := r.Folders(); err == nil {
		t.Error("no error")
	}
	if _, err := r.Poll(""); err != nil {
		t.Error(err) // nothing is announced yet
	}
}

func TestViolationText(t *testing.T) {
	v := Violation{"L4", "Changelog/changelog.info", "gone"}
	if got := fmt.Sprint(v); got != "L4 Changelog/changelog.info: gone" {
		t.Error(got)
	}
}
