// Package devserver is a local Dataverse environment: the part of the Dataverse Web API that a
// replicator lives on, over real storage, on localhost.
//
// It serves what the original serves, in the original's shape, so that third-party clients work
// against it: sign-in (auth.go), metadata (metadata*.go), reading (read.go, render.go, paging.go),
// change tracking (tracking.go), writing (write.go, bind.go, values.go) and webhooks (webhook*.go).
// Package store keeps the rows; package schema says which tables there are; package odata reads
// query options. Faults can be switched on (faults.go).
//
// Start reading at Server.ServeHTTP.
package devserver
