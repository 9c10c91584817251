package lakes_test

import (
	"io"
	"testing"

	"lakelink"
	"lakelink/internal/lake"
	"lakelink/internal/lake/lakes"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, url := range []string{dir, "file://" + dir, "FILE:" + dir} {
		l, err := lakes.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		if l.URL() != "file://"+dir {
			t.Errorf("%s: URL %s", url, l.URL())
		}
		if c, ok := lake.As[io.Closer](l); !ok || c.Close() != nil {
			t.Errorf("%s cannot be closed", url)
		}
	}
}

func TestOpenStores(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	for _, url := range []string{"s3://bucket/lake", "gs://bucket/lake"} {
		l, err := lakes.Open(url + "/?endpoint=http://localhost:1")
		if err != nil {
			t.Fatal(err)
		}
		if l.URL() != url {
			t.Errorf("%s: URL %s", url, l.URL())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                                      `open lake: "" is neither a URL nor an absolute path; write it like file:///data/lake`,
		"data/lake":                             `open lake: "data/lake" is neither a URL nor an absolute path; write it like file:///data/lake`,
		"ftp://host/lake":                       `open lake: there is no kind of lake "ftp:"; give a URL that starts with abfss: or file: or gs: or s3:`,
		"s3:///lake":                            `open lake: "s3:///lake" does not name a bucket; write it like s3://bucket/folder`,
		"gs://bucket?credentials=secret":        `open lake: credentials is a reference; give env:NAME or file:PATH of a credentials file's content, never the content itself`,
		"abfss://c@a.dfs.core.windows.net/lake": `open lake: "a.dfs.core.windows.net" is not the host of a storage account; write it like abfss://container@account.dfs.core.windows.net/folder`,
		"https://example.org/lake":              `open lake: there is no kind of lake "https:"; give a URL that starts with abfss: or file: or gs: or s3:`,
		"file://nas/lake":                       `open lake: "file://nas/lake" names another machine; a folder must be mounted on this one; write it like file:///data/lake`,
	} {
		l, err := lakes.Open(url)
		if l != nil || err == nil || err.Error() != want || !lakelink.IsKind(err, lakelink.KindInvalid) {
			t.Errorf("%q: %v, %v\nwant %s", url, l, err, want)
		}
	}
}

func TestOpenAzure(t *testing.T) {
	o := lakes.Options{}
	o.Azure.AccountKey, o.Azure.Resolve = "env:KEY", func(lakelink.SecretRef) (string, error) { return "a2V5", nil }
	for _, url := range []string{
		"abfss://crm@contoso.dfs.core.windows.net/lake/",
		"https://contoso.blob.core.windows.net/crm/lake",
		"https://contoso.dfs.core.windows.net/crm/lake/",
	} {
		l, err := o.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		if l.URL() != "abfss://crm@contoso.dfs.core.windows.net/lake" {
			t.Errorf("%s: URL %s", url, l.URL())
		}
	}
}
