// Command widened serves a local environment whose tables account and new_device have columns that the standard
// schema has not, as if somebody had added them since. It takes over the data of `lakelink dataverse serve`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"lakelink/internal/devserver"
	"lakelink/internal/devserver/schema"
	"lakelink/internal/devserver/store"
)

var added = []schema.Column{
	{LogicalName: "new_remark", SchemaName: "new_Remark", Type: schema.Memo, MaxLength: 4000},
	{LogicalName: "new_score", SchemaName: "new_Score", Type: schema.Decimal, Precision: 3, MinValue: "-100000000", MaxValue: "100000000"},
	{LogicalName: "new_flag", SchemaName: "new_Flag", Type: schema.Boolean},
	{LogicalName: "new_since", SchemaName: "new_Since", Type: schema.DateTime, Format: "DateOnly", Behavior: schema.DateOnly},
	{LogicalName: "new_rank", SchemaName: "new_Rank", Type: schema.Integer, MinValue: "-2147483648", MaxValue: "2147483647"},
}

func main() {
	addr := flag.String("addr", "", "address to listen on")
	data := flag.String("data", "", "folder of the environment")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr, *data); err != nil {
		fmt.Fprintln(os.Stderr, "widened:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, addr, data string) error {
	tables, err := schema.Standard()
	if err != nil {
		return err
	}
	for _, name := range []string{"account", "new_device"} {
		for _, c := range added {
			c.ValidOData, c.Custom = true, true
			if err := tables.Table(name).AddColumn(&c); err != nil {
				return err
			}
		}
	}
	st, err := store.Open(ctx, data, tables, store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	server, err := devserver.New(st, devserver.Options{Tenant: devserver.DefaultTenant, ClientID: store.DefaultClientID,
		ClientSecret: devserver.DefaultClientSecret})
	if err != nil {
		return err
	}
	defer server.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": "http://" + addr, "tenant": devserver.DefaultTenant,
		"client_id": store.DefaultClientID, "client_secret": devserver.DefaultClientSecret}); err != nil {
		return err
	}
	web := &http.Server{Handler: server} //nolint:gosec // only the test and the service call it
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	go func() { <-ctx.Done(); web.Close() }()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
