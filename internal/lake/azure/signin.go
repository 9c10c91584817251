package azure

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azdatalake/filesystem"

	"lakelink"
)

// A SignIn is a way to sign in. Exactly one is used: trying several in turn hides which one failed.
type SignIn string

// The ways to sign in.
const (
	SignInKey      SignIn = "account-key"
	SignInSAS      SignIn = "sas"
	SignInSecret   SignIn = "client-secret"
	SignInWorkload SignIn = "workload-identity"
	SignInManaged  SignIn = "managed-identity"
	SignInCLI      SignIn = "azure-cli"
)

// FromEnvironment are the options that the environment sets, in the names of Azure's own tools. Secrets
// are referred to, not read. docs/guide/stores.md lists the names.
func FromEnvironment(lookup func(string) (string, bool)) Options {
	get := func(name string) string { v, _ := lookup(name); return v }
	ref := func(name string) lakelink.SecretRef {
		if get(name) == "" {
			return ""
		}
		return lakelink.SecretRef("env:" + name)
	}
	return Options{
		SignIn:       SignIn(get("LAKELINK_AZURE_SIGN_IN")),
		Endpoint:     get("LAKELINK_AZURE_ENDPOINT"),
		AccountKey:   ref("AZURE_STORAGE_KEY"),
		SAS:          ref("AZURE_STORAGE_SAS_TOKEN"),
		ClientSecret: ref("AZURE_CLIENT_SECRET"),
		TenantID:     get("AZURE_TENANT_ID"),
		ClientID:     get("AZURE_CLIENT_ID"),
		TokenFile:    get("AZURE_FEDERATED_TOKEN_FILE"),
		Authority:    get("AZURE_AUTHORITY_HOST"),
		Resolve: func(r lakelink.SecretRef) (string, error) {
			v, _ := lookup(strings.TrimPrefix(string(r), "env:"))
			return v, nil
		},
	}
}

// signIn is the way that is asked for, or the one for which there is something.
func (o Options) signIn() SignIn {
	switch {
	case o.SignIn != "":
		return o.SignIn
	case o.AccountKey != "":
		return SignInKey
	case o.SAS != "":
		return SignInSAS
	case o.ClientSecret != "":
		return SignInSecret
	case o.TokenFile != "":
		return SignInWorkload
	}
	return SignInManaged
}

// secret resolves a reference.
func (o Options) secret(what string, ref lakelink.SecretRef) (string, error) {
	if ref == "" {
		return "", unable(fmt.Errorf("no %s is given", what), "")
	}
	if o.Resolve == nil {
		return "", unable(fmt.Errorf("nothing resolves the reference to the %s", what), "")
	}
	s, err := o.Resolve(ref)
	if err != nil {
		return "", fmt.Errorf("%s of the lake: %w", what, err)
	}
	if s = strings.TrimSpace(s); s == "" {
		return "", unable(fmt.Errorf("the %s is empty", what), "")
	}
	return s, nil
}

func unable(err error, hint string) error {
	if hint == "" {
		hint = "docs/guide/stores.md lists the ways to sign in to Azure, and what each needs"
	}
	return &lakelink.Error{Op: "open lake", Kind: lakelink.KindInvalid, Err: err, Hint: hint}
}

// connect makes the clients of both endpoints.
func (l *Lake) connect() error {
	var err error
	blobURL := l.at.blob + "/" + l.at.container
	dfsURL := l.at.dfs + "/" + l.at.container
	blobOptions := &container.ClientOptions{ClientOptions: l.clientOptions()}
	dfsOptions := &filesystem.ClientOptions{ClientOptions: l.clientOptions()}
	switch how := l.options.signIn(); how {
	case SignInKey:
		key, err := l.options.secret("account key", l.options.AccountKey)
		if err != nil {
			return err
		}
		return l.connectWithKey(blobURL, dfsURL, key, blobOptions, dfsOptions)
	case SignInSAS:
		sas, err := l.options.secret("shared access signature", l.options.SAS)
		if err != nil {
			return err
		}
		if sas = strings.TrimPrefix(sas, "?"); !strings.Contains(sas, "sig=") {
			return unable(errors.New("the shared access signature is not one: it has no sig in it"), "give the whole token, as the portal shows it")
		}
		if l.container, err = container.NewClientWithNoCredential(blobURL+"?"+sas, blobOptions); err != nil {
			return unable(errors.New("the shared access signature is not one"), "")
		}
		l.files, err = filesystem.NewClientWithNoCredential(dfsURL+"?"+sas, dfsOptions)
		if err != nil {
			return unable(errors.New("the shared access signature is not one"), "")
		}
		return nil
	default:
		cred, err2 := l.credential(how)
		if err2 != nil {
			return err2
		}
		if l.container, err = container.NewClient(blobURL, cred, blobOptions); err == nil {
			l.files, err = filesystem.NewClient(dfsURL, cred, dfsOptions)
		}
	}
	if err != nil {
		return unable(err, "")
	}
	return nil
}

func (l *Lake) connectWithKey(blobURL, dfsURL, key string, bo *container.ClientOptions, do *filesystem.ClientOptions) error {
	wrong := unable(errors.New("the account key is not base64"), "copy one of the account's two access keys as it is")
	blobKey, err := blob.NewSharedKeyCredential(l.at.account, key)
	if err != nil {
		return wrong // err has nothing to add, and could repeat the key
	}
	dfsKey, err := azdatalake.NewSharedKeyCredential(l.at.account, key)
	if err != nil {
		return wrong
	}
	if l.container, err = container.NewClientWithSharedKeyCredential(blobURL, blobKey, bo); err != nil {
		return unable(err, "")
	}
	if l.files, err = filesystem.NewClientWithSharedKeyCredential(dfsURL, dfsKey, do); err != nil {
		return unable(err, "")
	}
	return nil
}

// credential is one that fetches tokens from Microsoft Entra ID. It fetches none yet.
func (l *Lake) credential(how SignIn) (azcore.TokenCredential, error) {
	o := l.options
	co := policy.ClientOptions{Transport: l.client}
	if o.Authority != "" {
		co.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: o.Authority}
	}
	var cred azcore.TokenCredential
	var err error
	switch how {
	case SignInSecret:
		secret, serr := o.secret("client secret", o.ClientSecret)
		if serr != nil {
			return nil, serr
		}
		cred, err = azidentity.NewClientSecretCredential(o.TenantID, o.ClientID, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: co, DisableInstanceDiscovery: !microsofts(o.Authority)})
	case SignInWorkload:
		if _, serr := os.Stat(o.TokenFile); o.TokenFile != "" && serr != nil {
			return nil, unable(fmt.Errorf("the workload identity's token: %w", serr), "mount the projected service account token where AZURE_FEDERATED_TOKEN_FILE says")
		}
		cred, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: co,
			ClientID: o.ClientID, TenantID: o.TenantID, TokenFilePath: o.TokenFile, DisableInstanceDiscovery: !microsofts(o.Authority)})
	case SignInManaged:
		mo := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: co}
		if o.ClientID != "" {
			mo.ID = azidentity.ClientID(o.ClientID)
		}
		cred, err = azidentity.NewManagedIdentityCredential(mo)
	case SignInCLI:
		cred, err = azidentity.NewAzureCLICredential(nil)
	default:
		return nil, unable(fmt.Errorf("there is no way to sign in that is called %q", how), "give account-key, sas, client-secret, workload-identity, managed-identity or azure-cli")
	}
	if err != nil {
		return nil, unable(oneLine(err), "")
	}
	return cred, nil
}

// microsofts reports whether Microsoft vouches for an authority. Any other must not be looked up there:
// the question would hang where there is no Internet.
func microsofts(authority string) bool {
	u, err := url.Parse(authority)
	if err != nil || authority == "" {
		return authority == ""
	}
	for _, suffix := range []string{".microsoftonline.com", ".microsoftonline.us", ".chinacloudapi.cn", ".partner.microsoftonline.cn"} {
		if strings.HasSuffix("."+u.Hostname(), suffix) {
			return true
		}
	}
	return false
}
