package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lakelink"
	"lakelink/internal/devserver"
	"lakelink/internal/devserver/devservertest"
)

func TestSecretThatExpiredIsAProblemUntilTheNewOneIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 10),
		devservertest.Server(func(o *devserver.Options) { o.ExpiredSecrets = []string{"old-secret"} }))
	w.create()
	w.equal()
	w.writeSecret("old-secret")
	w.env.Server.Faults.SignOut()
	w.env.Fill("account", 5)
	w.troubled("AADSTS7000222", "make a new one")
	if s := w.status(); s.State != lakelink.StateNeedsYou {
		t.Errorf("the link is %s, want %s", s.State, lakelink.StateNeedsYou)
	}
	refuse(t, exitFailure, []string{w.name, "the client secret has expired"}, "wait", w.name, "--timeout", "200ms")
	w.writeSecret(w.env.ClientSecret)
	w.well()
	w.equal()
}

func TestSecretFileThatIsGoneIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devservertest.Rows("account", 3))
	w.create()
	w.equal()
	if err := os.Remove(w.secret); err != nil {
		t.Fatal(err)
	}
	w.env.Server.Faults.SignOut()
	w.env.Fill("account", 1)
	w.troubled(w.secret, "put the secret there")
	w.writeSecret(w.env.ClientSecret)
	w.well()
	w.equal()
}

// serveEnvironment runs `lakelink dataverse serve` until stop is called, and returns what it said.
func serveEnvironment(t *testing.T, dir, addr string) (ready map[string]string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"dataverse", "serve", "--data", dir, "--addr", addr, "--seed", "crm", "--rows", "300", "-o", "json"}, in, io.Discard)
		in.CloseWithError(errors.New("it ended"))
		done <- code
	}()
	ready = decodeLine(t, out)
	return ready, func() {
		t.Helper()
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("the environment ended with %d", code)
		}
	}
}

func TestEnvironmentThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	ready, stop := serveEnvironment(t, dir, "127.0.0.1:0")
	for _, key := range []string{"url", "token_url", "tenant", "client_id", "client_secret"} {
		if ready[key] == "" {
			t.Errorf("%s is not in %v", key, ready)
		}
	}
	if want := ready["url"] + "/" + ready["tenant"] + "/oauth2/v2.0/token"; ready["token_url"] != want {
		t.Errorf("token endpoint %s, want %s", ready["token_url"], want)
	}
	refuse(t, exitFailure, []string{dir, "in use", "--data"}, "dataverse", "serve", "--data", dir, "--addr", "127.0.0.1:0")
	addr := strings.TrimPrefix(ready["url"], "http://")
	refuse(t, exitFailure, []string{addr, "address already in use", "--addr"}, "dataverse", "serve", "--data", t.TempDir(), "--addr", addr)

	secret := filepath.Join(data, "secret")
	if err := os.WriteFile(secret, []byte(ready["client_secret"]), 0o600); err != nil {
		t.Fatal(err)
	}
	s, stopService, err := serveIn(filepath.Join(data, "state"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	l := lakelink.Link{Name: "down", ID: "00000000-0000-0000-0000-0000000000d0", Lake: "file://" + data + "/lake",
		Tables: []lakelink.TableName{"account"}, Formats: []lakelink.Format{lakelink.Delta}, Interval: lakelink.Duration(lakelink.MinInterval),
		Environment: lakelink.EnvironmentRef{URL: ready["url"], ClientID: ready["client_id"], ClientSecret: lakelink.SecretRef("file:" + secret)}}
	if _, err := s.manager.Create(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := s.manager.Wait(t.Context(), l.Name); err != nil {
		t.Fatal(err)
	}
	if err := stopService(); err != nil {
		t.Fatal(err)
	}
	stop()

	s, stopService, err = serveIn(filepath.Join(data, "state"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stopService(); err != nil {
			t.Error(err)
		}
	}()
	var status lakelink.LinkStatus
	until(t, func() bool {
		status, err = s.manager.Status(l.Name)
		return err != nil || status.Problem != nil
	}, func() string { return "the link to miss its environment" })
	if err != nil {
		t.Fatal(err)
	}
	judge(t, "lakelink: "+status.Problem.Detail+"\n", addr, "connection refused", "check the environment's address")
	_, stop = serveEnvironment(t, dir, addr)
	defer stop()
	until(t, func() bool {
		status, err = s.manager.Status(l.Name)
		return err == nil && status.State == lakelink.StateUpToDate
	}, func() string { return "the link to find its environment" })
	if err := s.manager.Wait(t.Context(), l.Name); err != nil {
		t.Error(err)
	}
}

// smallDisk mounts a file system of a few bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("a file system cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullLakeIsAProblemUntilThereIsSpace(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "6m")
	w := newWorld(t, devservertest.Rows("account", 10), devservertest.Rows("contact", 10))
	w.lake = filepath.Join(disk, "lake")
	w.create("formats", "incremental,delta")
	w.equal()
	ballast := filepath.Join(disk, "ballast")
	fillUp(t, ballast)
	w.env.Fill("contact", 2000)
	w.troubled("no space left", "free space", w.lake)
	before := files(t, w.lake)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.equal()
	w.well()
	after := files(t, w.lake)
	for name, data := range before {
		if strings.HasSuffix(name, ".parquet") || strings.HasSuffix(name, ".csv") {
			if got, ok := after[name]; ok && got != data {
				t.Errorf("%s was changed", name)
			}
		}
	}
}

func fillUp(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

func TestLakeThatIsFullFromTheStartIsRefused(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "1m")
	fillUp(t, filepath.Join(disk, "ballast"))
	w := newWorld(t)
	refuse(t, exitFailure, []string{disk, "no space left", "free space"}, w.creation("lake", disk)...)
	refuse(t, exitFailure, []string{w.name, "no link"}, "link", "show", w.name)
}

func TestReadOnlyLakeIsAProblemUntilItCanBeWritten(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "8m")
	w := newWorld(t, devservertest.Rows("account", 10))
	w.lake = filepath.Join(disk, "lake")
	w.create()
	w.equal()
	remount := func(flags uintptr) {
		t.Helper()
		var err error
		until(t, func() bool { // busy while a file is open for writing
			err = unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_BIND|flags, "")
			return err == nil
		}, func() string { return "the file system to be mounted anew" })
	}
	if err := unix.Mount(disk, disk, "", unix.MS_BIND, ""); err != nil {
		t.Skip("a folder cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	remount(unix.MS_RDONLY)
	other := newWorld(t)
	refuse(t, exitFailure, []string{disk, "read-only", "for writing"}, other.creation("lake", disk+"/other")...)
	w.env.Fill("account", 10)
	w.troubled("read-only", "for writing", w.lake)
	remount(0)
	w.equal()
	w.well()
}
