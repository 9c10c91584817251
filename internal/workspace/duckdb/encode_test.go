package duckdb

import (
	"strings"
	"testing"
	"time"
)

type digitsOf string

func (d digitsOf) exactDigits() string { return string(d) }

func encoded(t *testing.T, form string) string {
	t.Helper()
	var b strings.Builder
	e, err := NewEncoder(form, &b)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]any{
		{"Müller", int64(1), digitsOf("1.5000"), time.Date(2024, 2, 29, 1, 2, 3, 4000, time.UTC), true},
		{`a "b", c` + "\n", int64(9007199254740993), digitsOf("-99999999999999.0001"), nil, nil},
		{"日本", nil, nil, nil, false},
		{"", nil, nil, nil, nil},
	}
	if err := e.Columns([]ResultColumn{{"name", "VARCHAR"}, {"n", "BIGINT"}, {"money", "DECIMAL(38,4)"},
		{"at", "TIMESTAMPTZ"}, {"ok", "BOOLEAN"}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := e.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEncoders(t *testing.T) {
	for form, want := range map[string]string{
		"csv": "name,n,money,at,ok\r\n" +
			"Müller,1,1.5000,2024-02-29T01:02:03.000004Z,true\r\n" +
			"\"a \"\"b\"\", c\n\",9007199254740993,-99999999999999.0001,,\r\n" +
			"日本,,,,false\r\n" +
			"\"\",,,,\r\n",
		"json": `[
{"name":"Müller","n":1,"money":1.5000,"at":"2024-02-29T01:02:03.000004Z","ok":true},
{"name":"a \"b\", c\n","n":"9007199254740993","money":"-99999999999999.0001","at":null,"ok":null},
{"name":"日本","n":null,"money":null,"at":null,"ok":false},
{"name":"","n":null,"money":null,"at":null,"ok":null}
]
`,
		"table": `name                      n                 money  at                           ok
---------  ----------------  --------------------  ---------------------------  -----
Müller                    1                1.5000  2024-02-29T01:02:03.000004Z  true
a "b", c   9007199254740993  -99999999999999.0001
日本                                                                            false

(4 rows)
`,
	} {
		if got := encoded(t, form); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", form, got, want)
		}
	}
}

func TestEncoderOfUnknownForm(t *testing.T) {
	if _, err := NewEncoder("xml", nil); err == nil {
		t.Error("xml is taken")
	}
}
