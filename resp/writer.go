package resp

import (
	"math"
	"slices"
	"strconv"

	"github.com/tidwall/redcon"
)

// Writer encodes replies in the protocol version of its client: a reply that
// RESP2 lacks is sent as the RESP2 form that Redis gives it.
//
// A reply that would make the buffer exceed max is dropped and remembered: the
// session closes such a client, since what it would read is not whole.
type Writer struct {
	buf   []byte
	proto int8 // 2 or 3
	over  bool
	max   int
}

// NewWriter returns a Writer for protocol 2 or 3 that appends to buf.
func NewWriter(proto int, buf []byte) *Writer {
	return &Writer{buf: buf, proto: int8(proto), max: math.MaxInt}
}

// Proto is the protocol version, 2 or 3.
func (w *Writer) Proto() int { return int(w.proto) }

// Len is the number of bytes written; Bytes are those bytes, valid until the
// next call.
func (w *Writer) Len() int { return len(w.buf) }

// Bytes returns what was written so far, valid until the next call.
func (w *Writer) Bytes() []byte { return w.buf }

// Truncate takes back everything written after the first n bytes.
func (w *Writer) Truncate(n int) { w.buf = w.buf[:n] }

// Hoist moves what stands behind the first from bytes to behind the first mark
// bytes: for the head of a reply that is known only once its body is written.
func (w *Writer) Hoist(mark, from int) {
	head := append([]byte(nil), w.buf[from:]...)
	copy(w.buf[mark+len(head):], w.buf[mark:from])
	copy(w.buf[mark:], head)
}

// room says whether n more bytes are allowed.
func (w *Writer) room(n int) bool {
	if len(w.buf)+n > w.max {
		w.over = true
	}
	return !w.over
}

// Raw appends bytes that are already encoded.
func (w *Writer) Raw(b []byte) {
	if w.room(len(b)) {
		w.buf = append(w.buf, b...)
	}
}

// OK writes +OK.
func (w *Writer) OK() { w.Status("OK") }

// Status writes a simple string; line ends in it become spaces.
func (w *Writer) Status(s string) {
	if w.room(len(s)) {
		w.buf = redcon.AppendString(w.buf, s)
	}
}

// Error writes an error; the text begins with its code ("ERR …").
func (w *Writer) Error(s string) {
	if w.room(len(s)) {
		w.buf = redcon.AppendError(w.buf, s)
	}
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	if w.room(24) {
		w.buf = redcon.AppendInt(w.buf, n)
	}
}

// Bulk writes a binary-safe string.
func (w *Writer) Bulk(b []byte) {
	if w.room(len(b) + 16) {
		if len(b) > copyStep {
			w.largeBulk(b)
			return
		}
		if len(b) > bufferSize {
			// Or what comes after the bytes would make it grow once more.
			w.buf = slices.Grow(w.buf, len(b)+32)
		}
		w.buf = redcon.AppendBulk(w.buf, b)
	}
}

// copyStep is how much is copied in one go. Copying cannot be interrupted, nor can
// the clearing that slices.Grow does: meanwhile no other goroutine gets this
// processor, and none at all if the collector wants to stop them.
const copyStep = 1 << 20

// appendPart is no part of the loops that call it because goroutines are
// interrupted where a function begins: in a loop that only copies, nowhere.
//
//go:noinline
func appendPart(to, part []byte) []byte { return append(to, part...) }

func (w *Writer) largeBulk(b []byte) {
	if need := len(w.buf) + len(b) + 32; need > cap(w.buf) {
		was := w.buf
		w.buf = make([]byte, 0, max(need, cap(was)+cap(was)/4))
		for part := range slices.Chunk(was, copyStep) {
			w.buf = appendPart(w.buf, part)
		}
	}
	w.buf = append(w.buf, '$')
	w.buf = strconv.AppendInt(w.buf, int64(len(b)), 10)
	w.buf = append(w.buf, '\r', '\n')
	for part := range slices.Chunk(b, copyStep) {
		w.buf = appendPart(w.buf, part)
	}
	w.buf = append(w.buf, '\r', '\n')
}

// BulkString is Bulk for a string.
func (w *Writer) BulkString(s string) {
	if w.room(len(s) + 16) {
		w.buf = redcon.AppendBulkString(w.buf, s)
	}
}

// BulkInt writes an integer as a bulk string.
func (w *Writer) BulkInt(n int64) {
	if w.room(32) {
		w.buf = redcon.AppendBulkInt(w.buf, n)
	}
}

// Null writes the absence of a value.
func (w *Writer) Null() {
	if w.proto == 3 {
		w.buf = append(w.buf, "_\r\n"...)
		return
	}
	w.buf = redcon.AppendNull(w.buf)
}

// NullArray writes the absence of an array.
func (w *Writer) NullArray() {
	if w.proto == 3 {
		w.Null()
		return
	}
	w.buf = append(w.buf, "*-1\r\n"...)
}

// Array announces n elements, written next.
func (w *Writer) Array(n int) {
	if w.room(24) {
		w.buf = redcon.AppendArray(w.buf, n)
	}
}

// Map announces n pairs of key and value, written next; in RESP2 an array of
// 2n elements.
func (w *Writer) Map(n int) {
	if w.proto == 3 {
		w.head('%', n)
		return
	}
	w.Array(2 * n)
}

// Set announces n distinct elements; in RESP2 an array.
func (w *Writer) Set(n int) {
	if w.proto == 3 {
		w.head('~', n)
		return
	}
	w.Array(n)
}

// Push announces an out-of-band message of n elements; in RESP2 an array.
func (w *Writer) Push(n int) {
	if w.proto == 3 {
		w.head('>', n)
		return
	}
	w.Array(n)
}

// Bool writes a truth value; in RESP2 1 or 0.
func (w *Writer) Bool(b bool) {
	switch {
	case w.proto == 3 && b:
		w.buf = append(w.buf, "#t\r\n"...)
	case w.proto == 3:
		w.buf = append(w.buf, "#f\r\n"...)
	case b:
		w.Int(1)
	default:
		w.Int(0)
	}
}

// Double writes a floating-point number; in RESP2 a bulk string.
func (w *Writer) Double(f float64) {
	s := strconv.FormatFloat(f, 'g', 17, 64)
	if short := strconv.FormatFloat(f, 'g', -1, 64); len(short) < len(s) {
		s = short
	}
	if w.proto != 3 {
		w.BulkString(s)
		return
	}
	if w.room(40) {
		w.buf = append(w.buf, ',')
		w.buf = append(w.buf, s...)
		w.buf = append(w.buf, '\r', '\n')
	}
}

// Verbatim writes a text for people; in RESP2 a bulk string. format is three
// letters, "txt" or "mkd".
func (w *Writer) Verbatim(format, text string) {
	if w.proto != 3 {
		w.BulkString(text)
		return
	}
	if w.room(len(text) + 24) {
		w.head('=', len(text)+4)
		w.buf = append(w.buf, format...)
		w.buf = append(w.buf, ':')
		w.buf = append(w.buf, text...)
		w.buf = append(w.buf, '\r', '\n')
	}
}

func (w *Writer) head(kind byte, n int) {
	if w.room(24) {
		w.buf = append(w.buf, kind)
		w.buf = strconv.AppendInt(w.buf, int64(n), 10)
		w.buf = append(w.buf, '\r', '\n')
	}
}
