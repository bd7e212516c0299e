package resp

// outQueue is output that waits for the socket, in order. It is kept in chunks,
// so that neither adding nor writing copies what is there already.
type outQueue struct {
	chunks [][]byte
	pos    int // written of chunks[0]
	size   int // bytes that wait
	held   int // capacity of the chunks
}

// A chunk that the queue makes itself is as long as what waits already, within these
// bounds: a lone short reply takes little memory, many of them few chunks.
const (
	firstChunk = 256
	chunkSize  = 16 << 10
)

// add copies p to the end.
func (q *outQueue) add(p []byte) {
	if len(p) == 0 {
		return
	}
	q.size += len(p)
	if n := len(q.chunks); n > 0 {
		last := q.chunks[n-1]
		fit := min(len(p), cap(last)-len(last))
		q.chunks[n-1] = append(last, p[:fit]...)
		p = p[fit:]
	}
	if len(p) > 0 {
		b := append(make([]byte, 0, max(len(p), min(max(q.size, firstChunk), chunkSize))), p...)
		q.chunks, q.held = append(q.chunks, b), q.held+cap(b)
	}
}

// take makes b's bytes from an offset on the queue's own, without a copy. The
// caller must not use b any more.
func (q *outQueue) take(b []byte, from int) {
	if q.size == 0 {
		*q = outQueue{chunks: append(q.chunks[:0], b), pos: from, size: len(b) - from, held: cap(b)}
		return
	}
	b = b[from:]
	q.chunks, q.size, q.held = append(q.chunks, b), q.size+len(b), q.held+cap(b)
}

// write writes chunks until the socket takes no more, and returns how many bytes
// it took. done is given each chunk that is written.
func (q *outQueue) write(to func([]byte) (int, error), done func([]byte)) (sent int, err error) {
	for q.size > 0 && err == nil {
		var n int
		first := q.chunks[0]
		n, err = to(first[q.pos:])
		sent, q.size, q.pos = sent+n, q.size-n, q.pos+n
		if q.pos < len(first) {
			break
		}
		q.held -= cap(first)
		done(first)
		q.chunks[0] = nil
		q.chunks, q.pos = q.chunks[1:], 0
	}
	if q.size == 0 {
		*q = outQueue{}
	}
	return sent, err
}
