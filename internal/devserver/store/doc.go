// Package store keeps the rows of a local Dataverse environment in one SQLite database.
//
// # Layout
//
// Every Dataverse table has one SQLite table, clustered by row version, so that "what changed
// since" is a range scan. A row's columns are one blob (see body.go): ascending column numbers,
// each with the JSON literal that goes over the wire, so that serving a page is copying bytes.
// Filters and orders reach into the blob with the SQL function dv_col.
//
// # Versions
//
// One counter serves the whole database: every insert, update and delete of any row takes the
// next number. SQLite serialises writers, so versions become visible in ascending order and a
// reader's snapshot holds every version up to the counter it sees. A deleted row leaves a
// tombstone under the version of its deletion.
//
// # Order
//
// Tracked reads go by ascending version. Other reads without an order go by primary key, in the
// order of its sixteen bytes.
package store
