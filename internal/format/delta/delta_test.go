package delta_test

import (
	"testing"

	"lakelink"
	"lakelink/internal/format/delta"
	"lakelink/internal/format/writertest"
)

// TestWriter runs the contract of writers.
func TestWriter(t *testing.T) {
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		return delta.New(delta.Options{Lake: lake, LinkID: "1", IndexDir: t.TempDir()}), delta.NewReader(lake)
	})
}

// TestWriterOfTinyFiles runs it where everything is split, spilled and checkpointed all the time, and
// key indexes of earlier runs are found again.
func TestWriterOfTinyFiles(t *testing.T) {
	writertest.Run(t, func(t *testing.T, lake lakelink.Lake) (lakelink.Writer, lakelink.Reader) {
		return delta.New(delta.Options{Lake: lake, LinkID: "1", IndexDir: t.TempDir(),
			Budget: 500, MaxFileRows: 3, CheckpointEvery: 3}), delta.NewReader(lake)
	}, writertest.Seed(7))
}
