// Package lagmeter measures how long a change takes to become readable, as a reader of the lake
// sees it: it follows the logs of the Delta tables in a local lake and opens the files that they
// name, and asks nothing of whoever writes them.
package lagmeter
