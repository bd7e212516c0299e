package resp

import "sync"

const (
	// bufferSize is the first size of a session's input buffer, minRead the
	// least room that a read is given.
	bufferSize = 16 << 10
	minRead    = 2 << 10
)

// bufferPool recycles input buffers of the first size. Most sessions need one
// only while a command is cut in two by the network.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get(n int) []byte {
	if n > bufferSize/2 {
		return make([]byte, 0, max(bufferSize, 2*n))
	}
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:0]
	}
	return make([]byte, 0, bufferSize)
}

func (p *bufferPool) put(b []byte) {
	if cap(b) == bufferSize {
		p.pool.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
