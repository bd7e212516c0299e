package integration

import (
	"errors"
	"io"
	"syscall"
	"time"
)

// readAll reads until the server closes the connection or the limit is over.
func (c *conn) readAll(limit time.Duration) (text []byte, closed bool) {
	c.SetReadDeadline(time.Now().Add(limit))
	b := make([]byte, 4096)
	for {
		n, err := c.r.Read(b)
		text = append(text, b[:n]...)
		if err != nil {
			return text, errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
		}
	}
}
