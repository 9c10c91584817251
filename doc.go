// Package lakelink is the vocabulary of Lakelink: what a link, a table, a batch, a position, a
// source, a lake and a writer are, and what each of them promises. It imports the standard
// library and Arrow only; every room of the product imports it, and it imports none of them.
//
// Read table.go and batch.go for the shape of data, source.go, writer.go and lake.go for the
// three contracts, link.go for what users order and see, error.go for what they are told when
// something fails. docs/architecture.md follows one change through the rooms.
package lakelink
