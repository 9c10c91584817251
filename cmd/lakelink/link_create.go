package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lakelink"
	"lakelink/internal/api"
)

type linkCreateOptions struct {
	output
	name, environment, lake             string
	tables, formats                     []string
	interval                            time.Duration
	clientID, secret, tenant, authority string
}

func newLinkCreate() *cobra.Command {
	var o linkCreateOptions
	cmd := &cobra.Command{
		Use:   "create NAME --environment URL --lake URL --tables a,b",
		Short: "Make a link and start it",
		Long: `Makes a link: these tables of this environment, to this lake. The environment, the tables and
the lake are checked first; when something is wrong, nothing is left behind.

The client secret is given by reference, env:NAME or file:PATH, and read by the service, so the
variable must be set where the service runs. The secret itself is never stored or logged.`,
		Example: `  lakelink link create sales --environment https://contoso.crm4.dynamics.com \
      --client-id 00000000-0000-0000-0000-000000000000 --client-secret env:DATAVERSE_SECRET \
      --lake file:///data/lake --tables account,contact,opportunity`,
		Args: exactly("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			c, err := client()
			if err != nil {
				return err
			}
			return runLinkCreate(cmd.Context(), c, o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.environment, "environment", "", "address of the environment, such as https://contoso.crm4.dynamics.com")
	f.StringVar(&o.lake, "lake", "", "address of the lake: a folder, file:///PATH or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH")
	f.StringSliceVar(&o.tables, "tables", nil, "logical names of tables, separated by commas")
	f.StringSliceVar(&o.formats, "formats", []string{"incremental", "delta"}, "formats to write")
	f.DurationVar(&o.interval, "interval", lakelink.DefaultInterval, "how often a folder of the incremental format is closed, from 5s")
	f.StringVar(&o.clientID, "client-id", "", "application id of the environment's application user")
	f.StringVar(&o.secret, "client-secret", "", "where the service finds the secret: env:NAME or file:PATH")
	f.StringVar(&o.tenant, "tenant", "", "directory (tenant) id; found by asking the environment where left out")
	f.StringVar(&o.authority, "authority", "", "address that gives tokens; found by asking the environment where left out")
	for _, name := range []string{"environment", "lake", "tables", "client-id", "client-secret"} {
		cmd.MarkFlagRequired(name) //nolint:errcheck // the flags are the ones above
	}
	o.flag(cmd)
	return cmd
}

func runLinkCreate(ctx context.Context, c *api.Client, o linkCreateOptions, w io.Writer) error {
	n := api.NewLink{Name: lakelink.LinkName(o.name), Interval: lakelink.Duration(o.interval),
		Environment: lakelink.EnvironmentRef{URL: strings.TrimRight(o.environment, "/"), Tenant: o.tenant,
			Authority: o.authority, ClientID: o.clientID}}
	var err error
	if n.Lake, err = lakeURL(o.lake); err != nil {
		return err
	}
	if n.Environment.ClientSecret, err = secretRef(o.secret); err != nil {
		return err
	}
	n.Tables = tableNames(o.tables)
	for _, f := range o.formats {
		n.Formats = append(n.Formats, lakelink.Format(strings.TrimSpace(f)))
	}
	l, err := c.CreateLink(ctx, n)
	if err != nil {
		return err
	}
	return o.print(w, l, func(w io.Writer) {
		fmt.Fprintf(w, "Link %s is made, to %s. Watch it: lakelink link show %s\n", l.Name, l.Lake, l.Name)
	})
}

// lakeURL makes a folder of this machine an address that the service understands wherever it runs.
func lakeURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", usageError{errors.New("--lake: it is empty; give an address such as file:///data/lake, or a folder")}
	case err == nil && u.Scheme != "" && (u.Scheme != "file" || u.Host != "" || filepath.IsAbs(u.Path)):
		return s, nil // as it is; the service says what is wrong with it
	case err == nil && u.Scheme == "file":
		s = u.Opaque // file:folder
	}
	path, err := filepath.Abs(s)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String(), nil
}

// secretRef makes a file's path absolute, as the service may run in another folder.
func secretRef(s string) (lakelink.SecretRef, error) {
	ref := lakelink.SecretRef(s)
	if err := ref.Validate(); err != nil {
		return "", err
	}
	if path, ok := strings.CutPrefix(s, "file:"); ok {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		ref = lakelink.SecretRef("file:" + abs)
	}
	return ref, nil
}

func tableNames(list []string) []lakelink.TableName {
	var out []lakelink.TableName
	for _, t := range list {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, lakelink.TableName(t))
		}
	}
	return out
}
