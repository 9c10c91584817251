// Package lake holds what all lakes share: which names an object may have, and how to find an
// optional power behind wrappers. The lakes themselves and their wrappers are in the folders below;
// laketest is the contract that each of them passes.
package lake

import "lakelink"

// As finds an optional power, such as lakelink.Locator, in a lake or in what it wraps.
func As[T any](l lakelink.Lake) (T, bool) {
	for l != nil {
		if t, ok := l.(T); ok {
			return t, true
		}
		u, ok := l.(interface{ Unwrap() lakelink.Lake })
		if !ok {
			break
		}
		l = u.Unwrap()
	}
	var none T
	return none, false
}
