package devserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lakelink/internal/devserver/store"
)

const (
	// webhookTimeout is how long a receiver may take.
	webhookTimeout = 60 * time.Second
	// webhookQueue is how many calls may wait. Delivery is best effort: more are lost.
	webhookQueue = 10_000
	// webhookWorkers make calls at the same time, so calls can overtake one another.
	webhookWorkers = 4
)

// webhooks calls the endpoints that steps are registered for. The store tells it of changes;
// run's workers make the calls.
type webhooks struct {
	server      *Server
	steps       atomic.Pointer[[]*step]
	queue       chan delivery
	unsubscribe func()
	waiting     sync.WaitGroup // deliveries queued or under way
	lost        atomic.Int64   // calls that found the queue full
}

// A delivery is one call to make.
type delivery struct {
	step   *step
	change *store.Change
}

func newWebhooks(s *Server) (*webhooks, error) {
	w := &webhooks{server: s, queue: make(chan delivery, webhookQueue)}
	if err := w.reload(); err != nil {
		return nil, err
	}
	w.unsubscribe = s.store.Subscribe(w)
	return w, nil
}

func (w *webhooks) close() { w.unsubscribe() }

func (w *webhooks) reload() error {
	steps, err := loadSteps(context.Background(), w.server.store)
	if err != nil {
		return fmt.Errorf("read webhook steps: %w", err)
	}
	w.steps.Store(&steps)
	return nil
}

// Committed queues the calls that a transaction's changes are worth.
func (w *webhooks) Committed(changes []store.Change) {
	for i := range changes {
		if isRegistration(changes[i].Table.LogicalName) {
			if err := w.reload(); err != nil {
				slog.Error("local environment", "error", err)
			}
			break
		}
	}
	for i := range changes {
		for _, s := range *w.steps.Load() {
			if !s.fires(&changes[i]) || w.server.Faults.dropWebhook() {
				continue
			}
			w.waiting.Add(1)
			select {
			case w.queue <- delivery{s, &changes[i]}:
			default:
				w.waiting.Done()
				w.lost.Add(1)
			}
		}
	}
}

// run makes the calls until ctx ends. Calls under way are broken off then, and those that wait
// are lost: webhooks are a hint, and the original loses them too.
func (w *webhooks) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for range webhookWorkers {
		g.Go(func() error {
			for {
				select {
				case d := <-w.queue:
					w.deliver(ctx, d)
					w.waiting.Done()
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	err := g.Wait()
	for {
		select {
		case <-w.queue:
			w.waiting.Done()
			w.lost.Add(1)
		default:
			return err
		}
	}
}

// WaitWebhooks waits until every webhook call that is due has been made, or has failed and been
// recorded. Run must be running.
func (s *Server) WaitWebhooks() { s.webhooks.waiting.Wait() }

// LostWebhooks is how many calls were never made, because too many were waiting or Run had ended.
func (s *Server) LostWebhooks() int64 { return s.webhooks.lost.Load() }

// deliver makes one call, with one more attempt if the receiver's gateway asks for it, and
// records a failure as a system job.
func (w *webhooks) deliver(ctx context.Context, d delivery) {
	id, correlation := newGUID(), newGUID()
	body, cut := w.body(d, id, correlation)
	var err error
	for attempt := range 2 {
		if attempt > 0 {
			select {
			case <-time.After(w.server.options.WebhookRetryDelay):
			case <-ctx.Done():
				return
			}
		}
		var again bool
		if again, err = w.call(ctx, d, body, cut, id, correlation); err == nil {
			return
		}
		if !again {
			break
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err := w.recordFailure(ctx, d, correlation, err); err != nil {
		slog.Error("local environment: record a failed webhook", "step", d.step.name, "error", err)
	}
}

// call makes one attempt. again is whether a second one is due.
func (w *webhooks) call(ctx context.Context, d delivery, body []byte, cut bool, id, correlation string) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.step.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	h := req.Header
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("x-request-id", id)
	h.Set("x-ms-correlation-request-id", correlation)
	h.Set("x-ms-dynamics-organization", w.server.host())
	h.Set("x-ms-dynamics-entity-name", d.change.Table.LogicalName)
	h.Set("x-ms-dynamics-request-name", string(d.change.Message))
	if cut {
		h.Set("x-ms-dynamics-msg-size-exceeded", "true")
	}
	for name, values := range d.step.headers {
		h[name] = values
	}
	res, err := w.server.options.Webhooks.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection can be used again
	switch {
	case res.StatusCode/100 == 2:
		return false, nil
	case res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusServiceUnavailable, res.StatusCode == http.StatusGatewayTimeout:
		again = true
	}
	return again, fmt.Errorf("the web service answered %s", res.Status)
}

// Numbers of a system job that failed.
const (
	jobSystemEvent  = 1
	jobCompleted    = 3
	jobStatusFailed = 31
)

// recordFailure leaves a failed system job for a call.
func (w *webhooks) recordFailure(ctx context.Context, d delivery, correlation string, cause error) error {
	t := w.server.store.Table(jobTable)
	if t == nil {
		return nil
	}
	now := w.server.options.Now().UTC()
	id, err := store.ParseID(correlation)
	if err != nil {
		return err
	}
	var row store.Row
	for name, v := range map[string]store.Value{
		"name": d.step.name, "operationtype": jobSystemEvent, "statecode": jobCompleted, "statuscode": jobStatusFailed,
		"messagename": string(d.change.Message), "message": cause.Error(), "friendlymessage": "The webhook call failed.",
		"primaryentitytype": d.change.Table.LogicalName, "owningextensionid": d.step.ref(), "correlationid": id,
		"regardingobjectid": store.Ref{Table: d.change.Table.LogicalName, ID: d.change.ID},
		"completedon":       now, "startedon": now,
	} {
		if c := t.Column(name); c != nil {
			row = append(row, store.Field{Column: c, Value: v})
		}
	}
	return w.server.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Insert(t.Table, row)
		return err
	})
}

func isGone(err error) bool { return errors.Is(err, store.ErrNotFound) }
