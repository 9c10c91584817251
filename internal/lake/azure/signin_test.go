package azure_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"lakelink"
	"lakelink/internal/lake/azure"
)

const (
	tenant = "11111111-2222-3333-4444-555555555555"
	client = "51f81489-12ee-4a9e-aaae-a2591f45987d"
)

// startIssuer is a twin that wants a token, and the service that issues it.
func startIssuer(t *testing.T, accept func(r *http.Request) bool) (server *httptest.Server, issued *atomic.Int64) {
	tw := newTwin(t, true)
	issued = &atomic.Int64{}
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
			base := "https://" + r.Host + "/" + tenant
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"issuer":"%s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, base)
		case strings.HasSuffix(r.URL.Path, "/token"):
			w.Header().Set("Content-Type", "application/json")
			if r.ParseForm(); !accept(r) || r.Form.Get("scope") != "https://storage.azure.com/.default openid offline_access profile" && !strings.HasPrefix(r.Form.Get("scope"), "https://storage.azure.com/.default") {
				w.WriteHeader(http.StatusUnauthorized)
				fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1","error_codes":[7000215]}`)
				return
			}
			issued.Add(1)
			fmt.Fprint(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"good"}`)
		case r.Header.Get("Authorization") != "Bearer good":
			fail(w, 401, "InvalidAuthenticationInfo")
		default:
			tw.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server, issued
}

func tokenOptions(server *httptest.Server) azure.Options {
	o := options(server.URL)
	o.AccountKey, o.Client, o.Authority = "", server.Client(), server.URL+"/"
	o.TenantID, o.ClientID = tenant, client
	return o
}

func TestSignInWithClientSecret(t *testing.T) {
	server, issued := startIssuer(t, func(r *http.Request) bool {
		return r.Form.Get("client_id") == client && r.Form.Get("client_secret") == "s3cret"
	})
	o := tokenOptions(server)
	secret := "s3cret\n" // as a file has it
	o.ClientSecret, o.Resolve = "file:/secret", func(r lakelink.SecretRef) (string, error) { return secret, nil }
	l := open(t, o, "")
	if _, err := l.Put(t.Context(), "a/b", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if err := l.Delete(t.Context(), "a/b"); err != nil { // which asks the DFS endpoint too
		t.Fatal(err)
	}
	if issued.Load() == 0 {
		t.Error("no token was asked for")
	}

	secret = "wrong"
	_, err := open(t, o, "").Stat(t.Context(), "a")
	wantFailure(t, "wrong secret", err, lakelink.KindSignIn, "AADSTS7000215", "check tenant, client id and secret")
	if strings.Contains(err.Error(), "wrong ") {
		t.Errorf("the secret is in the error: %v", err)
	}
}

func TestSignInWithWorkloadIdentity(t *testing.T) {
	server, issued := startIssuer(t, func(r *http.Request) bool { return r.Form.Get("client_assertion") == "projected" })
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("projected"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := tokenOptions(server)
	o.TokenFile = file
	if err := listError(t.Context(), open(t, o, "")); err != nil || issued.Load() == 0 {
		t.Errorf("%d tokens: %v", issued.Load(), err)
	}
	o.TokenFile += ".gone"
	_, err := azure.Open("abfss://lake@contoso.dfs.core.windows.net", o)
	wantFailure(t, "no token file", err, lakelink.KindInvalid, "AZURE_FEDERATED_TOKEN_FILE")
}

// TestSignInChoice: what is given decides, and nothing is tried in turn.
func TestSignInChoice(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want string // of the error; none where the lake opens
	}{
		{map[string]string{}, ""},
		{map[string]string{"AZURE_STORAGE_KEY": twinKey}, ""},
		{map[string]string{"AZURE_STORAGE_KEY": "no base64!"}, "the account key is not base64"},
		{map[string]string{"AZURE_STORAGE_SAS_TOKEN": "?sv=1&sig=x"}, ""},
		{map[string]string{"AZURE_STORAGE_SAS_TOKEN": "sv=1"}, "has no sig in it"},
		{map[string]string{"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": client, "AZURE_CLIENT_SECRET": "s"}, ""},
		{map[string]string{"AZURE_CLIENT_SECRET": "s"}, "tenant"},
		{map[string]string{"LAKELINK_AZURE_SIGN_IN": "account-key"}, "no account key is given"},
		{map[string]string{"LAKELINK_AZURE_SIGN_IN": "azure-cli", "AZURE_STORAGE_KEY": "no base64!"}, ""},
		{map[string]string{"LAKELINK_AZURE_SIGN_IN": "magic"}, `no way to sign in that is called "magic"; give account-key, sas`},
		{map[string]string{"LAKELINK_AZURE_ENDPOINT": "127.0.0.1:10000"}, "write it like http://127.0.0.1:10000/devstoreaccount1"},
	} {
		o := azure.FromEnvironment(func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok })
		_, err := azure.Open("abfss://lake@contoso.dfs.core.windows.net", o)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%v: %v", tt.env, err)
		case tt.want != "":
			wantFailure(t, fmt.Sprint(tt.env), err, lakelink.KindInvalid, tt.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	o := options("http://127.0.0.1:1")
	for address, want := range map[string]string{
		"abfss://crm@contoso.dfs.core.windows.net":             "abfss://crm@contoso.dfs.core.windows.net",
		"abfss://crm@contoso.dfs.core.windows.net/":            "abfss://crm@contoso.dfs.core.windows.net",
		"ABFSS://crm@Contoso.dfs.core.windows.net/a/b/":        "abfss://crm@contoso.dfs.core.windows.net/a/b",
		"abfss://crm@contoso.blob.core.chinacloudapi.cn/a%20b": "abfss://crm@contoso.dfs.core.chinacloudapi.cn/a%20b",
		"https://contoso.dfs.core.windows.net/crm/a":           "abfss://crm@contoso.dfs.core.windows.net/a",
		"https://contoso.blob.core.windows.net/crm":            "abfss://crm@contoso.dfs.core.windows.net",
	} {
		l, err := azure.Open(address, o)
		if err != nil || l.URL() != want || !azure.Is(address) {
			t.Errorf("%s: %v, %v", address, l, err)
			continue
		}
		if again, err := azure.Open(l.URL(), o); err != nil || again.URL() != want {
			t.Errorf("%s again: %v, %v", want, again, err)
		}
	}
	for address, want := range map[string]string{
		"abfss://contoso.dfs.core.windows.net/crm":      `"" cannot be the name of a container`,
		"abfss://CRM@contoso.dfs.core.windows.net":      `"CRM" cannot be the name of a container`,
		"abfss://a--b@contoso.dfs.core.windows.net":     `"a--b" cannot be the name of a container`,
		"abfss://crm@contoso":                           `"contoso" is not the host of a storage account`,
		"abfss://crm:pw@contoso.dfs.core.windows.net":   "has a password in it",
		"abfss://crm@contoso.dfs.core.windows.net/a/..": `has a "." or ".." segment`,
		"abfss://crm@contoso.dfs.core.windows.net/?x":   "has a ? or # in its address",
		"https://contoso.blob.core.windows.net/":        `"" cannot be the name of a container`,
		"abfss://crm@contoso.dfs.core.windows.net:443":  "is not the host of a storage account",
		"%": "the address is not a URL",
	} {
		_, err := azure.Open(address, o)
		wantFailure(t, address, err, lakelink.KindInvalid, want)
	}
}
