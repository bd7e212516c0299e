package bitcask

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/rldb/rldb/engine"
)

// The format of a segment, to the byte, is in DESIGN.md.

// castagnoli is the polynomial of CRC-32C. It is never changed.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum adds a value to a CRC, a megabyte a step: Go cannot interrupt a step, and
// its collector would keep all goroutines waiting for the end of it.
func sum(crc uint32, value []byte) uint32 {
	const step = 1 << 20
	for len(value) > step {
		crc = crc32.Update(crc, castagnoli, value[:step])
		value = value[step:]
	}
	return crc32.Update(crc, castagnoli, value)
}

// kind says what an entry is.
type kind uint8

const (
	kindPut    kind = iota // a value of a key
	kindDelete             // the key has no value any more
	kindDrop               // no key of the slot has a value any more
	kindBatch              // the following entries count together or not at all
)

const (
	headSize = 22
	metaSize = len(engine.Meta{})
	kindBits = 14 // kind stands above the bits of the slot
)

// head is the part of an entry that has a fixed size.
type head struct {
	keyCRC uint32 // of meta and name
	valCRC uint32 // of the value
	kind   kind
	slot   uint16
	name   uint32 // length; of a batch: how many entries
	value  uint32 // length; of a batch: of all its entries together
}

// size is how many bytes the entry has. A batch's entries follow it and are not
// counted.
func (h *head) size() int64 { return headSize + h.keyBytes() + h.valueBytes() }

// keyBytes is the length of what keyCRC covers.
func (h *head) keyBytes() int64 {
	switch h.kind {
	case kindPut:
		return int64(metaSize) + int64(h.name)
	case kindDelete:
		return int64(h.name)
	default:
		return 0
	}
}

func (h *head) valueBytes() int64 {
	if h.kind == kindPut {
		return int64(h.value)
	}
	return 0
}

// place is what ties an entry to where it stands: a header is valid nowhere
// else, so that bytes within a value never pass for an entry.
func place(off int64) uint32 { return uint32(off)*0x9e3779b1 ^ uint32(off>>32) }

func appendHead(b []byte, h *head, seed uint32, off int64) []byte {
	from := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, h.keyCRC)
	b = binary.LittleEndian.AppendUint32(b, h.valCRC)
	b = binary.LittleEndian.AppendUint16(b, uint16(h.kind)<<kindBits|h.slot)
	b = binary.LittleEndian.AppendUint32(b, h.name)
	b = binary.LittleEndian.AppendUint32(b, h.value)
	crc := crc32.Update(seed, castagnoli, b[from+4:]) ^ place(off)
	binary.LittleEndian.PutUint32(b[from:], crc)
	return b
}

// parseHead reads the header of headSize bytes that stands at off. It is false
// if these are not one.
func parseHead(b []byte, seed uint32, off int64) (h head, ok bool) {
	b = b[:headSize]
	crc := crc32.Update(seed, castagnoli, b[4:]) ^ place(off)
	if crc != binary.LittleEndian.Uint32(b) {
		return head{}, false
	}
	tag := binary.LittleEndian.Uint16(b[12:])
	h = head{
		keyCRC: binary.LittleEndian.Uint32(b[4:]),
		valCRC: binary.LittleEndian.Uint32(b[8:]),
		kind:   kind(tag >> kindBits),
		slot:   tag & (1<<kindBits - 1),
		name:   binary.LittleEndian.Uint32(b[14:]),
		value:  binary.LittleEndian.Uint32(b[18:]),
	}
	return h, h.kind == kindBatch || h.name <= engine.MaxKey && h.value <= engine.MaxValue
}

// entry is one thing to be appended, and, once it is, where it stands.
type entry struct {
	kind kind
	key  *engine.Key // of a drop only the slot counts
	meta engine.Meta
	head []byte // the value is head and then body
	body []byte
	off  int64
}

func (e *entry) fixed() head {
	h := head{kind: e.kind, slot: e.key.Slot}
	if e.kind == kindPut || e.kind == kindDelete {
		h.name = uint32(len(e.key.Name))
	}
	if e.kind == kindPut {
		h.value = uint32(len(e.head) + len(e.body))
	}
	return h
}

func (e *entry) size() int64 {
	h := e.fixed()
	return h.size()
}

// batchHead is the header of a batch: of how many entries, and their bytes.
func batchHead(entries int, size int64) head {
	return head{kind: kindBatch, name: uint32(entries), value: uint32(size)}
}

// appendEntry writes an entry that will stand at e.off.
func appendEntry(b []byte, e *entry, seed uint32) []byte {
	b = appendFront(b, e, seed)
	if e.kind == kindPut {
		b = append(b, e.body...)
	}
	return b
}

// appendFront writes all of an entry but the body of its value.
func appendFront(b []byte, e *entry, seed uint32) []byte {
	h := e.fixed()
	switch e.kind {
	case kindPut:
		h.keyCRC = crc32.Update(crc32.Update(0, castagnoli, e.meta[:]), castagnoli, e.key.Name)
		h.valCRC = sum(crc32.Update(0, castagnoli, e.head), e.body)
		b = appendHead(b, &h, seed, e.off)
		b = append(b, e.meta[:]...)
		b = append(b, e.key.Name...)
		return append(b, e.head...)
	case kindDelete:
		h.keyCRC = crc32.Update(0, castagnoli, e.key.Name)
		b = appendHead(b, &h, seed, e.off)
		return append(b, e.key.Name...)
	default:
		return appendHead(b, &h, seed, e.off)
	}
}

// header begins a segment. It is there twice, so that a flipped bit in one does
// not make a segment unreadable.
type header struct {
	number  uint32 // of the segment: no two ever have the same
	lo, hi  uint32 // the numbers whose place in the log's order it has
	cleaned uint32 // see DESIGN.md, "Delete markers"
	salt    uint64 // random: no client can know which bytes would pass for a header
}

const (
	magic      = "rldbseg1"
	headerCopy = len(magic) + 4*4 + 8 + 4
	headerSize = 2 * int64(headerCopy)
)

// seed is where the CRC of the segment's entry headers begins.
func (h *header) seed() uint32 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[:], h.salt)
	binary.LittleEndian.PutUint32(b[8:], h.number)
	return crc32.Checksum(b[:], castagnoli)
}

func appendHeader(b []byte, h *header) []byte {
	for range 2 {
		from := len(b)
		b = append(b, magic...)
		b = binary.LittleEndian.AppendUint32(b, h.number)
		b = binary.LittleEndian.AppendUint32(b, h.lo)
		b = binary.LittleEndian.AppendUint32(b, h.hi)
		b = binary.LittleEndian.AppendUint32(b, h.cleaned)
		b = binary.LittleEndian.AppendUint64(b, h.salt)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
	}
	return b
}

// parseHeader reads the copy of a header that is valid. Bad is how many are not.
func parseHeader(b []byte) (h header, bad int) {
	for range 2 {
		c := b[:min(headerCopy, len(b))]
		b = b[len(c):]
		if len(c) < headerCopy || !bytes.HasPrefix(c, []byte(magic)) ||
			crc32.Checksum(c[:headerCopy-4], castagnoli) != binary.LittleEndian.Uint32(c[headerCopy-4:]) {
			bad++
			continue
		}
		c = c[len(magic):]
		h = header{
			number:  binary.LittleEndian.Uint32(c),
			lo:      binary.LittleEndian.Uint32(c[4:]),
			hi:      binary.LittleEndian.Uint32(c[8:]),
			cleaned: binary.LittleEndian.Uint32(c[12:]),
			salt:    binary.LittleEndian.Uint64(c[16:]),
		}
	}
	return h, bad
}

// location says where a value stands: it is what the index keeps of it.
type location struct {
	off     int64 // of the entry
	segment uint32
	value   uint32 // length
}

const maxLocation = 2*binary.MaxVarintLen32 + binary.MaxVarintLen64

func appendLocation(b []byte, l location) []byte {
	b = binary.AppendUvarint(b, uint64(l.off))
	b = binary.AppendUvarint(b, uint64(l.segment))
	return binary.AppendUvarint(b, uint64(l.value))
}

// parseLocation reads what appendLocation wrote, in our own memory.
func parseLocation(b []byte) location {
	off, n := binary.Uvarint(b)
	segment, m := binary.Uvarint(b[n:])
	value, _ := binary.Uvarint(b[n+m:])
	return location{off: int64(off), segment: uint32(segment), value: uint32(value)}
}

// putSize is the size of the entry of a name and a value.
func putSize(name int, value uint32) int64 {
	return headSize + int64(metaSize) + int64(name) + int64(value)
}

// maxBatch bounds what one transaction may change: the lengths of a batch have
// 32 bits.
const maxBatch = math.MaxUint32
