package peer

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// outbox is the frames that wait to be written to one connection, as the bytes that
// they are on the wire. Anyone may add to it. Who writes takes all that waits, and
// sends it together: the goroutine that runs write, or whoever releases a hold.
//
// mu is not held while anything is written.
type outbox struct {
	wake  chan struct{} // one token: the writer is to look
	most  int64         // bound of bytes
	bytes atomic.Int64  // that wait or are being written
	sent  atomic.Uint64 // frames

	mu      sync.Mutex
	queue   []chunk
	free    [][]byte // empty chunks for later
	writing bool     // somebody writes, or has a token that says so
	held    bool     // add wakes nobody

	// Of who writes:
	taken []chunk
	room  net.Buffers
	vec   net.Buffers
}

// chunk is whole frames.
type chunk struct {
	b      []byte
	frames int
}

const (
	// writeTimeout is how long one batch may wait for a peer that does not read, and
	// batch is the most chunks of one.
	writeTimeout = 10 * time.Second
	batch        = 16
	// chunkSize is the room that small frames share, freeChunks how many of them are
	// kept when nothing waits. A larger frame is a chunk of its own.
	chunkSize  = 32 << 10
	freeChunks = 2
)

func newOutbox(most int64) *outbox {
	return &outbox{most: most, wake: make(chan struct{}, 1)}
}

// parcel is a frame on its way into an outbox.
type parcel struct {
	frame
	whole []byte // of one that is a chunk of its own: copied before any lock is taken
}

func wrap(f frame) parcel {
	p := parcel{frame: f}
	if p.size() > chunkSize {
		p.whole = appendFrame(make([]byte, 0, p.size()), f)
	}
	return p
}

func (p *parcel) size() int { return headerSize + len(p.payload) }

// add reports false, and keeps nothing, if there is no room. One frame of any size
// always has room in an empty outbox. The payload is copied.
func (o *outbox) add(f frame) bool {
	p := wrap(f)
	return o.put(&p)
}

func (o *outbox) put(p *parcel) bool {
	size := int64(p.size())
	if now := o.bytes.Add(size); now > o.most && now > size {
		o.bytes.Add(-size)
		return false
	}
	o.mu.Lock()
	o.append(p)
	if !o.writing && !o.held {
		o.writing = true
		o.wake <- struct{}{} // there is room: a token is there only while writing is set
	}
	o.mu.Unlock()
	return true
}

// append is for who holds mu.
func (o *outbox) append(p *parcel) {
	if p.whole != nil {
		o.queue = append(o.queue, chunk{p.whole, 1})
		return
	}
	if n := len(o.queue); n == 0 || cap(o.queue[n-1].b)-len(o.queue[n-1].b) < p.size() {
		var b []byte
		if n := len(o.free); n > 0 {
			b, o.free = o.free[n-1], o.free[:n-1]
		} else {
			b = make([]byte, 0, chunkSize)
		}
		o.queue = append(o.queue, chunk{b: b})
	}
	last := &o.queue[len(o.queue)-1]
	last.b = appendFrame(last.b, p.frame)
	last.frames++
}

// hold keeps what is added from being written until release: who is about to add
// much calls it.
func (o *outbox) hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

// release ends a hold, and writes what was added unless somebody else is writing.
func (o *outbox) release(c net.Conn) error {
	o.mu.Lock()
	o.held = false
	write := !o.writing && len(o.queue) > 0
	o.writing = o.writing || write
	o.mu.Unlock()
	if !write {
		return nil
	}
	return o.drain(c)
}

// write sends what is added until the connection fails or stop is closed.
func (o *outbox) write(c net.Conn, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return ErrClosed
		case <-o.wake:
			if err := o.drain(c); err != nil {
				return err
			}
		}
	}
}

// drain writes until nothing waits. The caller has set writing, which stays set after
// an error: the connection is done for.
func (o *outbox) drain(c net.Conn) error {
	for o.take() {
		c.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err := o.send(c); err != nil {
			return err
		}
	}
	return nil
}

// take moves a batch from the queue to taken, and what was taken before, which has
// been written, to the free ones.
func (o *outbox) take() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.taken {
		if cap(t.b) == chunkSize && len(o.free) < freeChunks {
			o.free = append(o.free, t.b[:0])
		}
	}
	n := min(len(o.queue), batch)
	clear(o.taken)
	o.taken = append(o.taken[:0], o.queue[:n]...)
	rest := copy(o.queue, o.queue[n:])
	clear(o.queue[rest:])
	o.queue = o.queue[:rest]
	o.writing = n > 0
	return n > 0
}

// send writes what is taken.
func (o *outbox) send(c net.Conn) error {
	size, frames := 0, 0
	o.room = o.room[:0]
	for _, t := range o.taken {
		o.room = append(o.room, t.b)
		size += len(t.b)
		frames += t.frames
	}
	defer o.bytes.Add(-int64(size))
	o.sent.Add(uint64(frames))
	defer clear(o.room)
	if len(o.room) == 1 {
		_, err := c.Write(o.room[0])
		return err
	}
	o.vec = o.room // WriteTo uses it up
	_, err := o.vec.WriteTo(c)
	return err
}

// drop empties the outbox. Nobody may be writing.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, q := range o.queue {
		o.bytes.Add(-int64(len(q.b)))
	}
	clear(o.queue)
	o.queue, o.writing = o.queue[:0], false
	select {
	case <-o.wake:
	default:
	}
}
