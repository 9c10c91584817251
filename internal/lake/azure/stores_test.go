//go:build stores

package azure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"lakelink"
	"lakelink/internal/lake/azure"
	"lakelink/internal/lake/laketest"
)

// azurite is where `make test-stores` installs the emulator, from the root of the repository.
const azurite = "../../../.tools/judges/node_modules/azurite/dist/src/blob/main.js"

// startAzurite runs Microsoft's emulator with an empty container until the test ends. It is not to look
// at the version of the API, because the SDK is newer than it.
func startAzurite(t *testing.T) azure.Options {
	t.Helper()
	main, err := filepath.Abs(azurite)
	if err == nil {
		_, err = os.Stat(main)
	}
	if err != nil {
		t.Fatalf("Azurite is not installed (%v): run `make test-stores`", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()

	var log bytes.Buffer
	cmd := exec.Command("node", main, "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence", "--silent",
		"--blobHost", "127.0.0.1", "--blobPort", port)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("Azurite: %s", log.String())
		}
	})
	server := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(time.Minute); ; {
		if resp, err := http.Get(server); err == nil {
			resp.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Azurite does not answer")
		}
		time.Sleep(100 * time.Millisecond)
	}
	key, err := container.NewSharedKeyCredential(twinAccount, twinKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := container.NewClientWithSharedKeyCredential(server+"/"+twinAccount+"/"+twinContainer, key, nil)
	if err == nil {
		_, err = c.Create(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	o := options(server)
	o.TryTimeout = time.Minute // it shares the machine with the test
	return o
}

func TestAzurite(t *testing.T) {
	o := startAzurite(t)
	var n atomic.Int64
	laketest.Run(t, func(t *testing.T) lakelink.Lake {
		return open(t, o, fmt.Sprintf("lake %d/é", n.Add(1)))
	})
}

// TestAzuriteInBlocks runs the contract with objects that need several blocks.
func TestAzuriteInBlocks(t *testing.T) {
	o := startAzurite(t)
	o.BlockSize = 16 << 10
	var n atomic.Int64
	laketest.Run(t, func(t *testing.T) lakelink.Lake { return open(t, o, strconv.FormatInt(n.Add(1), 10)) })
}

// TestAzuriteHasOneWinner judges the store and us at once: of 50 writers of each of 200 names exactly one
// is told that it has won, and the object has that one's bytes.
func TestAzuriteHasOneWinner(t *testing.T) {
	o := startAzurite(t)
	const names, racers = 200, 50
	l := open(t, o, "race")
	for i := range names {
		name := fmt.Sprintf("_delta_log/%020d.json", i)
		var wins, winner atomic.Int64
		var racing sync.WaitGroup
		start := make(chan struct{})
		for r := range racers {
			racing.Go(func() {
				<-start
				_, err := l.PutNew(t.Context(), name, strings.NewReader(racer(i, r)))
				switch {
				case err == nil:
					wins.Add(1)
					winner.Store(int64(r))
				case !lakelink.IsKind(err, lakelink.KindExists):
					t.Errorf("%s, racer %d: %v", name, r, err)
				}
			})
		}
		close(start)
		racing.Wait()
		if wins.Load() != 1 {
			t.Fatalf("%s has %d winners", name, wins.Load())
		}
		got, _, err := l.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(got)
		if err != nil || string(data) != racer(i, int(winner.Load())) {
			t.Fatalf("%s has not the winner's bytes: %v", name, err)
		}
	}
}

func racer(name, r int) string { return strings.Repeat(fmt.Sprintf("%d/%d ", name, r), 100) }

// TestAzuriteLargeObject: what is interrupted leaves nothing, and what is complete is whole.
func TestAzuriteLargeObject(t *testing.T) {
	o := startAzurite(t)
	o.BlockSize = 1 << 20
	l := open(t, o, "large")
	data := make([]byte, 20<<20+17)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	errCut := errors.New("cut off")
	_, err := l.PutNew(t.Context(), "a/big.parquet", io.MultiReader(bytes.NewReader(data[:10<<20]), iotest.ErrReader(errCut)))
	if !errors.Is(err, errCut) {
		t.Fatalf("an interrupted put: %v", err)
	}
	for info := range l.List(t.Context(), "", false) {
		t.Errorf("an interrupted put left %s", info.Name)
	}
	if _, err := l.Stat(t.Context(), "a/big.parquet"); !lakelink.IsKind(err, lakelink.KindNotFound) {
		t.Errorf("after an interrupted put: %v", err)
	}
	info, err := l.PutNew(t.Context(), "a/big.parquet", bytes.NewReader(data))
	if err != nil || info.Size != int64(len(data)) {
		t.Fatalf("%+v, %v", info, err)
	}
	r, got, err := l.Get(t.Context(), "a/big.parquet")
	if err != nil || got != info {
		t.Fatalf("got %+v, %v, put %+v", got, err, info)
	}
	back, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("other bytes came back: %d of %d, %v", len(back), len(data), err)
	}
	part, err := l.GetRange(t.Context(), "a/big.parquet", 5<<20+1, 3<<20)
	if err != nil {
		t.Fatal(err)
	}
	if back, err = io.ReadAll(part); err != nil || !bytes.Equal(back, data[5<<20+1:8<<20+1]) {
		t.Errorf("a range came back wrong: %d, %v", len(back), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.PutMatch(ctx, "a/big.parquet", info.ETag, bytes.NewReader(data)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestAzuriteErrors: what a real store says, not what we think it says.
func TestAzuriteErrors(t *testing.T) {
	o := startAzurite(t)
	wrong := o
	wrong.Resolve = func(lakelink.SecretRef) (string, error) { return "d3Jvbmc=", nil }
	_, err := open(t, wrong, "").Stat(t.Context(), "x")
	// Azure says AuthenticationFailed here, and keeps AuthorizationFailure for its firewall.
	wantFailure(t, "wrong key", err, lakelink.KindForbidden, "check that the account-key opens container lake of account "+twinAccount)

	l, err := azure.Open("abfss://no-such-container@"+twinAccount+".dfs.core.windows.net", o)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"stat": second(l.Stat(t.Context(), "x")),
		"get":  third(l.Get(t.Context(), "x")),
		"put":  second(l.PutNew(t.Context(), "x", strings.NewReader("x"))),
		"list": listError(t.Context(), l),
	} {
		wantFailure(t, name, err, lakelink.KindUnreachable, "create container no-such-container in account "+twinAccount)
	}
}
