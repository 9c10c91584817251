package main

import (
	"os"

	"lakelink/internal/api"
)

// client returns a client of the service that LAKELINK_URL names, or of the one on this machine.
func client() (*api.Client, error) {
	address := os.Getenv("LAKELINK_URL")
	if address == "" {
		address = api.DefaultURL
	}
	return api.NewClient(address, os.Getenv("LAKELINK_TOKEN"))
}
