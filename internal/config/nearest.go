package config

import (
	"fmt"
	"strings"
)

// unknown names the key that was probably meant, or all of them.
func unknown(key string, fields []field) error {
	best, distance := "", len(key)/2+1
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
		if d := edits(fold(key), fold(f.key)); d < distance {
			best, distance = f.key, d
		}
	}
	if best != "" {
		return fmt.Errorf("unknown key %q; did you mean %s?", key, best)
	}
	return fmt.Errorf("unknown key %q; there are %s", key, strings.Join(keys, ", "))
}

// fold makes api_token, api-token and apiToken the same.
func fold(key string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
}

// edits is how many letters must be put in, taken out or changed to make a into b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
