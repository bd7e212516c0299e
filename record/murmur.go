package record

import (
	"encoding/binary"
	"math/bits"
)

// murmur is a 128-bit murmur3 under way, of which the first half is used: as
// github.com/spaolacci/murmur3 computes it, but what is hashed stays on the stack.
type murmur struct {
	h1, h2 uint64
	tail   [16]byte // bytes that do not fill a block yet
	in     int      // how many these are
	size   uint64
}

const (
	murmurC1 = 0x87c37b91114253d5
	murmurC2 = 0x4cf5ad432745937f
)

// scramble1 and scramble2 are what becomes of a block's halves before they are mixed in.
func scramble1(k uint64) uint64 { return bits.RotateLeft64(k*murmurC1, 31) * murmurC2 }
func scramble2(k uint64) uint64 { return bits.RotateLeft64(k*murmurC2, 33) * murmurC1 }

func (m *murmur) block(k1, k2 uint64) {
	m.h1 = (bits.RotateLeft64(m.h1^scramble1(k1), 27)+m.h2)*5 + 0x52dce729
	m.h2 = (bits.RotateLeft64(m.h2^scramble2(k2), 31)+m.h1)*5 + 0x38495ab5
}

func (m *murmur) write(b []byte) {
	m.size += uint64(len(b))
	for len(b) > 0 {
		n := copy(m.tail[m.in:], b)
		b, m.in = b[n:], m.in+n
		if m.in == len(m.tail) {
			m.block(binary.LittleEndian.Uint64(m.tail[:8]), binary.LittleEndian.Uint64(m.tail[8:]))
			m.in = 0
		}
	}
}

// dot is write of a dot's sixteen bytes.
func (m *murmur) dot(d Dot) {
	if m.in == 0 {
		m.size += 16
		m.block(d.Actor, uint64(d.HLC))
		return
	}
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], d.Actor)
	binary.LittleEndian.PutUint64(b[8:], uint64(d.HLC))
	m.write(b[:])
}

// sum ends it.
func (m *murmur) sum() uint64 {
	clear(m.tail[m.in:])
	h1 := m.h1 ^ scramble1(binary.LittleEndian.Uint64(m.tail[:8])) ^ m.size
	h2 := m.h2 ^ scramble2(binary.LittleEndian.Uint64(m.tail[8:])) ^ m.size
	h1 += h2
	h2 += h1
	return avalanche(h1) + avalanche(h2)
}

func avalanche(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
