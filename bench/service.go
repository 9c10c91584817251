package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"lakelink/internal/api"
)

// secretVariable holds the environment's client secret for the service.
const secretVariable = "LAKELINK_BENCH_SECRET"

// A service is bin/lakelink, running.
type service struct {
	cmd    *exec.Cmd
	client *api.Client
	out    io.ReadCloser
}

// startService starts the program with its state in dir and waits until it is ready.
func startService(ctx context.Context, program, dir, secret string) (*service, error) {
	cmd := exec.CommandContext(ctx, program, "serve", "--data", dir, "--addr", "127.0.0.1:0", "-o", "json")
	cmd.Env = append(os.Environ(), secretVariable+"="+secret)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; build it with `make build`, or name it with -lakelink", err)
	}
	s := &service{cmd: cmd, out: out}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// ready reads the address that the service prints, and waits until it answers there.
func (s *service) ready(ctx context.Context) error {
	line, err := bufio.NewReader(s.out).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the service did not start: %w", err)
	}
	var says struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(line, &says); err != nil {
		return fmt.Errorf("the service says %q: %w", line, err)
	}
	if s.client, err = api.NewClient(says.URL, ""); err != nil {
		return err
	}
	for s.client.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (s *service) pid() string { return strconv.Itoa(s.cmd.Process.Pid) }

// stop ends the service and waits for it.
func (s *service) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}
