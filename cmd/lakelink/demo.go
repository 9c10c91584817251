package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lakelink"
	"lakelink/internal/api"
	"lakelink/internal/config"
	"lakelink/internal/devserver"
	"lakelink/internal/devserver/sample"
	"lakelink/internal/devserver/store"
	"lakelink/internal/lagmeter"
	"lakelink/internal/verify"
)

type demoOptions struct {
	environmentOptions
	dir         string
	addr        string
	environment string // address of the environment
	duration    time.Duration
	interval    time.Duration
	out         output
}

// demoTables are what the demo's link follows: all that changes in the sample data, and an N:N table.
var demoTables = []lakelink.TableName{
	"account", "contact", "lead", "opportunity", "opportunityproduct", "incident", "activitypointer", "activityparty",
	"task", "phonecall", "email", "appointment", "annotation", "systemuser", "team", "teammembership", "product",
	"transactioncurrency", "new_device", "new_device_contact",
}

const (
	demoLink   = "demo"
	demoSecret = "LAKELINK_DEMO_SECRET"
)

func newDemo() *cobra.Command {
	o := demoOptions{}
	o.changesPerSecond = 50
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a local environment, the service and a link between them",
		Long: `Starts a local Dataverse environment with sample data and living traffic, the service, and a link
over 20 tables into DIR/lake, and shows what happens. It runs until it is interrupted; with --for it
ends by itself, compares the lake with the environment row by row, and exits 0 only if they are equal.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "demo", "folder of the demo; a demo that is there already goes on")
	f.StringVar(&o.addr, "addr", "127.0.0.1:7780", "address of the service")
	f.StringVar(&o.environment, "environment-addr", "127.0.0.1:7790", "address of the local environment")
	f.DurationVar(&o.duration, "for", 0, "stop the traffic after this long, verify and end")
	f.DurationVar(&o.interval, "interval", lakelink.MinInterval, "how often a folder of the incremental format is closed")
	environmentFlags(cmd, &o.environmentOptions)
	o.out.flag(cmd)
	return cmd
}

// A demoResult is the last thing that a demo prints.
type demoResult struct {
	Rows     int64   `json:"rows"`
	Changes  int64   `json:"changes"`
	LagP50MS float64 `json:"lag_p50_ms"`
	LagP99MS float64 `json:"lag_p99_ms"`
	Equal    bool    `json:"equal"`
}

func runDemo(ctx context.Context, o demoOptions, stdout, stderr io.Writer) error {
	say := stdout
	if o.out.form == "json" {
		say = stderr // the result is alone on the standard output
	}
	d, err := openDemo(ctx, o, say)
	if err != nil {
		return err
	}
	result, err := d.run(ctx)
	if cerr := d.close(); err == nil {
		err = cerr
	}
	if err != nil || result == nil {
		return err
	}
	if o.out.form == "json" {
		err = json.NewEncoder(stdout).Encode(result)
	} else {
		equal := "equal, row by row, in both formats"
		if !result.Equal {
			equal = "NOT equal"
		}
		_, err = fmt.Fprintf(stdout, "%s rows after %s changes: the lake and the environment are %s.\n"+
			"A change was readable after %s (half of them), %s (99 %% of them).\n", count(result.Rows), count(result.Changes), equal,
			milliseconds(result.LagP50MS), milliseconds(result.LagP99MS))
	}
	if err == nil && !result.Equal {
		return &exitError{code: exitNotEqual}
	}
	return err
}

func milliseconds(ms float64) string { return short(time.Duration(ms * float64(time.Millisecond))) }

// A demo is a local environment, a service and a link between them, in one process.
type demo struct {
	o       demoOptions
	say     io.Writer
	env     *localEnvironment
	traffic *sample.Traffic
	service *service
	client  *api.Client
	lake    string
}

func openDemo(ctx context.Context, o demoOptions, say io.Writer) (_ *demo, err error) {
	eo := o.environmentOptions
	eo.addr, eo.dir, eo.seed = o.environment, filepath.Join(o.dir, "environment"), "crm"
	eo.tenant, eo.clientID, eo.clientSecret = devserver.DefaultTenant, store.DefaultClientID, devserver.DefaultClientSecret
	d := &demo{o: o, say: say}
	if d.lake, err = filepath.Abs(filepath.Join(o.dir, "lake")); err != nil {
		return nil, err
	}
	fmt.Fprintf(say, "Making a local Dataverse environment with %s rows ...\n", count(int64(o.rows)))
	if d.env, err = openEnvironment(ctx, eo, nil); err != nil {
		return nil, err
	}
	if d.traffic, err = d.env.traffic(ctx); err != nil {
		return nil, errors.Join(err, d.env.Close())
	}
	if err := os.Setenv(demoSecret, eo.clientSecret); err != nil {
		return nil, errors.Join(err, d.env.Close())
	}
	cfg := config.Default()
	cfg.Addr, cfg.Data = o.addr, filepath.Join(o.dir, "state")
	cfg.Log.Level = "error"
	if d.service, err = openService(ctx, cfg, os.Stderr); err != nil {
		return nil, errors.Join(err, d.env.Close())
	}
	d.client, err = api.NewClient(d.service.URL, "")
	return d, err
}

func (d *demo) close() error { return errors.Join(d.service.Close(), d.env.Close()) }

// run runs everything until ctx or the demo's time ends. The result is nil where nothing was asked for.
func (d *demo) run(ctx context.Context) (*demoResult, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var result *demoResult
	traffic, stopTraffic := context.WithCancel(ctx)
	defer stopTraffic()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.env.Run(gctx, nil) })
	g.Go(func() error { return d.service.Run(gctx) })
	quiet := make(chan struct{})
	g.Go(func() error {
		defer close(quiet)
		if d.traffic == nil {
			return nil
		}
		if err := d.traffic.Run(traffic); err != nil && traffic.Err() == nil {
			return fmt.Errorf("traffic: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		defer stop()
		var err error
		result, err = d.story(gctx, func() { stopTraffic(); <-quiet })
		if ctx.Err() != nil && gctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // interrupted, which is how a demo without --for ends
		}
		return err
	})
	err := g.Wait()
	return result, err
}

// story is what the demo shows, in order.
func (d *demo) story(ctx context.Context, stopTraffic func()) (*demoResult, error) {
	began := time.Now()
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(d.say, "  environment  %s  %g changes a second\n  service      %s\n  lake         %s\n",
		d.env.URL, d.o.changesPerSecond, d.service.URL, d.lake)
	if err := d.link(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(d.say, "Link %s: the initial sync of %d tables ...\n", demoLink, len(demoTables))
	if err := d.client.Wait(ctx, demoLink, 30*time.Minute); err != nil {
		return nil, err
	}
	fmt.Fprintf(d.say, "Complete after %s. Every change is followed from here on.\n\n", short(time.Since(began)))
	d.suggest()

	meter := lagmeter.New(d.lake, names(demoTables))
	defer d.env.store.Subscribe(&lagListener{meter: meter, wanted: wanted(demoTables)})()
	measuring, stopMeter := context.WithCancel(ctx)
	defer stopMeter()
	measured := make(chan error, 1)
	go func() { measured <- meter.Run(measuring) }()
	defer func() { stopMeter(); <-measured }()

	if err := d.watch(ctx, meter, began); err != nil || d.o.duration == 0 {
		return nil, err
	}
	stopTraffic()
	fmt.Fprintln(d.say, "\nThe traffic is stopped. Waiting until the lake is complete ...")
	if err := d.client.Wait(ctx, demoLink, 10*time.Minute); err != nil {
		return nil, err
	}
	fmt.Fprintln(d.say, "Comparing the lake with the environment, row by row ...")
	var report verify.Report
	if err := d.client.Verify(ctx, demoLink, nil, &report); err != nil {
		return nil, err
	}
	if !report.Equal {
		printReport(d.say, report)
	}
	return d.result(report, meter), nil
}

func (d *demo) result(report verify.Report, meter *lagmeter.Meter) *demoResult {
	r := &demoResult{Equal: report.Equal}
	for _, t := range report.Tables {
		if t.Format == lakelink.Delta {
			r.Rows += t.Rows
		}
	}
	if d.traffic != nil {
		r.Changes = d.traffic.Stats().Changes()
	}
	lag := meter.Stats()
	r.LagP50MS = float64(lag.P50.Microseconds()) / 1000
	r.LagP99MS = float64(lag.P99.Microseconds()) / 1000
	return r
}

// ready waits until the service answers.
func (d *demo) ready(ctx context.Context) error {
	for {
		err := d.client.Ready(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// link makes the link, unless an earlier demo has.
func (d *demo) link(ctx context.Context) error {
	if _, err := d.client.Link(ctx, demoLink); err == nil {
		return nil
	}
	lake, err := lakeURL(d.lake)
	if err != nil {
		return err
	}
	_, err = d.client.CreateLink(ctx, api.NewLink{Name: demoLink, Lake: lake, Tables: demoTables,
		Interval: lakelink.Duration(d.o.interval),
		Environment: lakelink.EnvironmentRef{URL: d.env.URL, ClientID: d.env.options.clientID,
			ClientSecret: "env:" + demoSecret}})
	return err
}

// suggest prints queries that show something.
func (d *demo) suggest() {
	set := os.Args[0] + " " // as it was started, so that the lines can be pasted
	if d.service.URL != api.DefaultURL {
		set = "LAKELINK_URL=" + d.service.URL + " " + set
	}
	fmt.Fprintln(d.say, "Try, in another terminal:")
	for _, q := range []string{
		`select name, revenue, modifiedon from account order by modifiedon desc limit 5`,
		`select c.fullname, count(*) as cases from incident i join contact c on i.customerid = c.contactid group by all order by cases desc limit 5`,
		`select date_trunc('month', createdon) as month, count(*) as opportunities, sum(estimatedvalue) as estimated from opportunity group by all order by month desc limit 12`,
	} {
		fmt.Fprintf(d.say, "  %squery \"%s\"\n", set, q)
	}
	fmt.Fprintf(d.say, "  %slink show %s\n  %[1]sverify %[2]s\n\n", set, demoLink)
}

// watch prints how the link stands until the demo's time is over.
func (d *demo) watch(ctx context.Context, meter *lagmeter.Meter, began time.Time) error {
	var end <-chan time.Time
	if d.o.duration > 0 {
		end = time.After(time.Until(began.Add(d.o.duration)))
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return nil
		case <-tick.C:
		}
		s, err := d.client.Link(ctx, demoLink)
		if err != nil {
			return err
		}
		var changes int64
		for _, t := range s.Tables {
			changes += t.Changes
		}
		lag := meter.Stats()
		fmt.Fprintf(d.say, "%s  %s, %s changes applied; readable after %s (half), %s (99 %%)\n",
			time.Now().Format("15:04:05"), strings.ToLower(stateLabels[s.State]), count(changes), short(lag.P50), short(lag.P99))
		for _, t := range s.Tables {
			if t.Problem != nil {
				fmt.Fprintf(d.say, "          %s: %s\n", t.Table, t.Problem.Detail)
			}
		}
	}
}
