// Package api is the one door to a running service: the REST API under /api/v1 that the CLI and
// the UI use, its OpenAPI document, and a client for it. Errors are problem documents (RFC 9457) with
// the kind, the other side's code and the remedy of lakelink.Error.
package api
