package memory

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/rldb/rldb/engine"
)

// entry is the bytes of an entry's object:
//
//	slot    2       the slot's number within its shard
//	meta   16
//	names   1 … 5   length of the name, as a uvarint
//	hash    8       only if the name is long
//	name
//	values  1 … 5   length of the value, as a uvarint
//	value
//
// and unused bytes up to the object's size. What changes when an entry is
// overwritten comes after what does not, so that it can be done in place.
type entry []byte

const (
	metaAt = 2
	nameAt = metaAt + len(engine.Meta{})

	// longName is the length from which a name carries its hash, so that no
	// step of ours has to hash more than this.
	longName = 128
)

// entrySize is the size of the entry of a name and a value of these lengths.
func entrySize(name, value int) int {
	n := nameAt + uvarintLen(name) + name + uvarintLen(value) + value
	if name >= longName {
		n += 8
	}
	return n
}

// init writes all but the meta and value of k's entry to e.
func (e entry) init(k *engine.Key) {
	binary.LittleEndian.PutUint16(e, localSlot(k.Slot))
	n := nameAt + binary.PutUvarint(e[nameAt:], uint64(len(k.Name)))
	if len(k.Name) >= longName {
		binary.LittleEndian.PutUint64(e[n:], k.Hash)
		n += 8
	}
	copy(e[n:], k.Name)
}

func (e entry) slot() uint16       { return binary.LittleEndian.Uint16(e) }
func (e entry) meta() *engine.Meta { return (*engine.Meta)(e[metaAt:nameAt]) }

// nameRange says where the name lies.
func (e entry) nameRange() (from, to int) {
	if n := e[nameAt]; n < longName {
		return nameAt + 1, nameAt + 1 + int(n)
	}
	n, w := binary.Uvarint(e[nameAt:])
	from = nameAt + w + 8
	return from, from + int(n)
}

func (e entry) name() []byte {
	from, to := e.nameRange()
	return e[from:to:to]
}

// hash is the hash of the entry's name.
func (e entry) hash() uint64 {
	from, to := e.nameRange()
	if to-from < longName {
		return engine.Hash(e[from:to])
	}
	return binary.LittleEndian.Uint64(e[from-8:])
}

func (e entry) value() []byte {
	_, at := e.nameRange()
	if n := e[at]; n < 0x80 {
		at++
		return e[at : at+int(n) : at+int(n)]
	}
	n, w := binary.Uvarint(e[at:])
	at += w
	return e[at : at+int(n) : at+int(n)]
}

// set gives the entry its meta and value. Body may be part of the old value:
// it is moved, before anything else is written, to where it belongs.
func (e entry) set(ch *engine.Change) {
	_, at := e.nameRange()
	n := len(ch.Head) + len(ch.Body)
	from := at + uvarintLen(n)
	move(e[from+len(ch.Head):], ch.Body)
	copy(e[from:], ch.Head)
	if n < 0x80 {
		e[at] = byte(n)
	} else {
		binary.PutUvarint(e[at:], uint64(n))
	}
	*e.meta() = ch.Meta
}

// copyStep is how much is copied in one go. A copy cannot be interrupted: meanwhile
// no other goroutine gets this processor, and none at all if the collector wants
// to stop them.
const copyStep = 1 << 20

// moveStep is no part of the loop that calls it because goroutines are interrupted
// where a function begins: in a loop that only copies, nowhere.
//
//go:noinline
func moveStep(to, from []byte) int { return copy(to, from) }

// move copies from to the beginning of to, which may be the same memory.
func move(to, from []byte) {
	for len(from) > copyStep && !overlap(to[:len(from)], from) {
		n := moveStep(to, from[:copyStep])
		to, from = to[n:], from[n:]
	}
	copy(to, from)
}

func overlap(a, b []byte) bool {
	at, bt := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return at < bt+uintptr(len(b)) && bt < at+uintptr(len(a))
}

// live is what the entry's key, meta and value count as in Stats.LiveBytes.
func (e entry) live() int64 {
	from, to := e.nameRange()
	return int64(to - from + len(engine.Meta{}) + len(e.value()))
}

func uvarintLen(n int) int { return (bits.Len(uint(n)|1) + 6) / 7 }
