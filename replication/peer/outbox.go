package peer

import (
	"bufio"
	"net"
	"sync/atomic"
	"time"
)

// outbox is the frames that wait to be written to one connection. Anyone may add
// to it; one goroutine, which runs write, takes from it.
type outbox struct {
	frames chan frame
	bytes  atomic.Int64 // of the payloads in frames
	most   int64        // bound of bytes
	sent   atomic.Uint64
}

func newOutbox(frames int, most int64) *outbox {
	return &outbox{frames: make(chan frame, frames), most: most}
}

// add reports false, and keeps nothing, if there is no room. One frame of any size
// always has room in an empty outbox.
func (o *outbox) add(f frame) bool {
	size := int64(len(f.payload))
	if now := o.bytes.Add(size); now > o.most && now > size {
		o.bytes.Add(-size)
		return false
	}
	select {
	case o.frames <- f:
		return true
	default:
		o.bytes.Add(-size)
		return false
	}
}

// writeTimeout is how long one batch may wait for a peer that does not read, and
// batch is the most frames of one.
const (
	writeTimeout = 10 * time.Second
	batch        = 256
)

// write sends frames until the connection fails or stop is closed. What is at hand
// goes out together.
func (o *outbox) write(c net.Conn, stop <-chan struct{}) error {
	w := bufio.NewWriterSize(c, 64<<10)
	for {
		select {
		case <-stop:
			return ErrClosed
		case f := <-o.frames:
			c.SetWriteDeadline(time.Now().Add(writeTimeout))
			if err := o.writeBatch(w, f); err != nil {
				return err
			}
		}
	}
}

func (o *outbox) writeBatch(w *bufio.Writer, f frame) error {
	var scratch []byte
	for n := 1; ; n++ {
		scratch = appendFrame(scratch[:0], f)
		o.bytes.Add(-int64(len(f.payload)))
		o.sent.Add(1)
		if _, err := w.Write(scratch); err != nil {
			return err
		}
		if n == batch {
			return w.Flush()
		}
		select {
		case f = <-o.frames:
		default:
			return w.Flush()
		}
	}
}

// drop empties the outbox.
func (o *outbox) drop() {
	for {
		select {
		case f := <-o.frames:
			o.bytes.Add(-int64(len(f.payload)))
		default:
			return
		}
	}
}
