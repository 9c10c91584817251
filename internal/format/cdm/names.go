package cdm

import (
	"strings"
	"time"

	"lakelink"
)

// The fixed names of the layout (§2.3, §2.5). What Lakelink adds starts with "_", so that it sorts
// behind the batch folders (L10).
const (
	changelogName = "Changelog/changelog.info"
	rootModelName = "model.json"
	markerFile    = "model.json"
	manifestFile  = "_lakelink.json"
	serviceFolder = "Microsoft.Athena.TrickleFeedService/"
	choiceFolder  = "OptionsetMetadata/"
	positionsName = "_lakelink/incremental/positions.json"
	stagingPrefix = "_lakelink/staging/incremental/"
)

// A folder is the name of a batch folder: the second in which it was opened (L1). Names are
// compared as text (L2).
type folder string

const folderLayout = "2006-01-02T15.04.05Z"

func folderAt(t time.Time) folder { return folder(t.UTC().Format(folderLayout)) }

// time is the second in the name, and whether it is such a name at all.
func (f folder) time() (time.Time, bool) {
	t, err := time.Parse(folderLayout, string(f))
	return t, err == nil && folderAt(t) == f
}

func (f folder) path(rest string) string { return string(f) + "/" + rest }

func (f folder) data(t lakelink.TableName, file string) string {
	return string(f) + "/" + string(t) + "/" + file
}

// isData reports whether the name of an object below a batch folder is that of a data file.
func isData(f folder, name string) bool {
	rest, ok := strings.CutPrefix(name, string(f)+"/")
	return ok && strings.HasSuffix(rest, ".csv") && !strings.HasPrefix(rest, choiceFolder)
}

func stagingFolder(t lakelink.TableName) string { return stagingPrefix + string(t) + "/" }

// sinkLayout is how SinkCreatedOn, SinkModifiedOn and the annotations of model.json give a time (C5).
const sinkLayout = "1/2/2006 3:04:05 PM"

func sinkText(t time.Time) string { return t.UTC().Format(sinkLayout) }

// later is the first whole second that is neither before now nor before any of the others. It
// keeps folder names and times growing when the clock steps back.
func later(now time.Time, others ...time.Time) time.Time {
	t := now.UTC().Truncate(time.Second)
	for _, o := range others {
		if o.After(t) {
			t = o.UTC()
		}
	}
	return t
}
