// Package replicate is the heart of Lakelink: it keeps the tables of links up to date.
//
// A Manager holds the links of this process and starts a runner for each that is not paused. A
// runner opens the link's source and writers and starts a follower for each table. A follower
// brings its table level (load.go), then reads its changes whenever a hint or the timer says so
// (cycle.go), and hands them to every format. Formats that commit on an interval are closed by
// the runner (interval.go).
//
// Loops: one runner per link (Manager.start), one follower per table and one closer
// per interval format (runner.attempt). Each is waited for by whoever started it.
package replicate
