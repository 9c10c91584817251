//go:build !unix

package delta

import "os"

// mapFile reads the file, where it cannot be mapped into memory.
func mapFile(name string) ([]byte, func() error, error) {
	b, err := os.ReadFile(name)
	return b, func() error { return nil }, err
}
