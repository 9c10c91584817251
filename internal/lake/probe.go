package lake

import "context"

// A Prober is implemented by lakes whose servers may lack what commits need.
type Prober interface {
	// Probe asks the server, by writing. KindInvalid: it cannot be a lake, and the hint says what can.
	Probe(ctx context.Context) error
}
