// Package cdm writes and reads the incremental format: timestamp folders of CSV in the Common
// Data Model layout, as Azure Synapse Link for Dataverse writes them when it is told to keep
// incremental update folders (spec/synapse-link.md, shape C). Rule numbers such as L4, M8 or O7
// in comments are those of its §12.
//
// # The life of a row
//
// A TableWriter turns a batch into frames: the row's CSV line without its times, under its id and
// version (encode.go, frame.go). Frames wait in a spool, in memory or in a local file, until the
// interval is closed (spool.go). Then each id is left one entry (plan.go), and the lines go into
// the open folder, a file per year of creation (lines.go). Initial syncs take the same way with one
// more stop: their frames are staged in the lake beside the folders (load.go).
//
// # The life of a folder
//
// The folder named in Changelog/changelog.info is open. Closing it (close.go) has three moments.
// Its data files appear first, each under a name that must not be taken. Then _lakelink.json is
// made, under a name that must not be taken either: this decides the folder, and of several
// writers exactly one decides. What follows is derived from it and may be done again by anybody:
// model.json and the files beside it, the next folder, the switch (finish.go). A writer that finds data files and no
// decision decides that the folder is empty, which shuts out whoever wrote them, and removes them.
//
// docs/format/incremental.md describes every file.
package cdm
