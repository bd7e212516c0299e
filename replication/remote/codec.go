package remote

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

// Kind is the first byte of each message. 1 and 2 are main's own.
type Kind = byte

// The kinds of messages.
const (
	KindWrite Kind = 10 + iota
	KindHash
	KindFetch
	KindStanding
	KindDigests
	KindPage
	KindPublish
	KindEnd
)

const (
	version = 1

	// MaxKeys is how many keys a message may have.
	MaxKeys = 1 << 16
)

var (
	errMessage = errors.New("remote: malformed message")
	errTooMany = errors.New("remote: more keys than a message may have")
	errNothing = errors.New("remote: there is nothing to ask for")
)

// maxHLC is the greatest HLC that package record decodes.
const maxHLC record.HLC = 1<<64 - 1<<32

// reader takes a message apart. After the first thing that is not as it should be all
// that it gives is zero, and end says so.
type reader struct {
	b   []byte
	bad bool
}

func open(b []byte, k Kind) reader {
	if len(b) < 2 || b[0] != k || b[1] != version {
		return reader{bad: true}
	}
	return reader{b: b[2:]}
}

func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return errMessage
	}
	return nil
}

func (r *reader) fail() { r.b, r.bad = nil, true }

// expect fails unless ok.
func (r *reader) expect(ok bool) {
	if !ok {
		r.fail()
	}
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// byte is a byte of at most most.
func (r *reader) byte(most byte) byte {
	b := r.take(1)
	if b == nil || b[0] > most {
		r.fail()
		return 0
	}
	return b[0]
}

func (r *reader) bool() bool { return r.byte(1) == 1 }

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || size > 1 && r.b[size-1] == 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is how many things follow, of at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

// exactly is a count that must be n.
func (r *reader) exactly(n int) { r.expect(r.uvarint() == uint64(n)) }

// bytes are part of the message.
func (r *reader) bytes() []byte { return r.take(r.count(1)) }

func (r *reader) dot() record.Dot {
	d := record.Dot{Actor: r.uint64(), HLC: record.HLC(r.uint64())}
	r.expect(d.HLC != 0 && d.HLC <= maxHLC)
	return d
}

const dotSize = 16

func (r *reader) dots() []record.Dot {
	n := r.count(dotSize)
	if n == 0 {
		return nil
	}
	dots := make([]record.Dot, n)
	for i := range dots {
		dots[i] = r.dot()
		r.expect(i == 0 || dots[i].Compare(dots[i-1]) < 0)
	}
	return dots
}

func (r *reader) vector() record.Vector {
	n := r.count(dotSize)
	if n == 0 {
		return nil
	}
	v := make(record.Vector, n)
	for i := range v {
		v[i] = r.dot()
		r.expect(i == 0 || v[i].Actor > v[i-1].Actor)
	}
	return v
}

// key is of a name that is part of the message.
func (r *reader) key() engine.Key { return replica.KeyOf(r.bytes()) }

// keyCount is how many keys follow, each of them with size bytes besides.
func (r *reader) keyCount(size int) int {
	n := r.count(1 + size)
	if n == 0 || n > MaxKeys {
		r.fail()
		return 0
	}
	return n
}

// record reads and verifies a record, in the memory that w has.
func (r *reader) record(w *record.Whole) {
	b := r.bytes()
	if r.bad || w.Decode(b) != nil || w.Verify() != nil {
		r.fail()
	}
}

func begin(dst []byte, k Kind) []byte { return append(dst, k, version) }

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendCount(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }

func appendBytes(dst, b []byte) []byte { return append(appendCount(dst, len(b)), b...) }

func appendUint64(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

func appendDots(dst []byte, dots []record.Dot) []byte {
	dst = appendCount(dst, len(dots))
	for _, d := range dots {
		dst = appendUint64(appendUint64(dst, d.Actor), uint64(d.HLC))
	}
	return dst
}

// appendRecord appends a record as bytes.
func appendRecord(dst []byte, w *record.Whole) []byte {
	from := len(dst)
	dst = w.AppendHead(dst)
	n := uint64(len(dst) - from)
	for i := range w.Values {
		n += uint64(len(w.Values[i].Value))
	}
	var size [binary.MaxVarintLen64]byte
	dst = slices.Insert(dst, from, size[:binary.PutUvarint(size[:], n)]...)
	for i := range w.Values {
		dst = append(dst, w.Values[i].Value...)
	}
	return dst
}

// valueBytes is how many bytes w's values have.
func valueBytes(w *record.Whole) (n int) {
	for i := range w.Values {
		n += len(w.Values[i].Value)
	}
	return n
}
