//go:build !faults

package main

import "lakelink"

// withFaults does nothing in a program that users get. See faults_on.go.
func withFaults(lake lakelink.Lake) lakelink.Lake { return lake }
