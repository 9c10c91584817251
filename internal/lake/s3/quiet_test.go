package s3

import (
	"io"
	"log"
)

// quiet keeps the server from telling of connections that tests have cut.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
