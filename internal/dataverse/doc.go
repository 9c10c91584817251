// Package dataverse reads a Microsoft Dataverse environment through its Web API: the production
// lakelink.Source. It also registers webhooks there and receives their calls, which are hints only.
//
// From the outside in: client.go (what a Client is), metadata.go and columns.go (tables as the
// environment describes them), feed.go with load.go and changes.go (tracked reads), page.go with
// scanner.go (one page of rows, from the wire straight into Arrow), hooks.go and receiver.go
// (push). Beneath them lie call.go (one request with its repeats), signin.go, budget.go and
// failure.go. The wire is described in the specification of the Web API; comments name its
// sections by "§".
package dataverse
