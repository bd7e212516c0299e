package enginetest

import (
	"encoding/binary"
	"math/bits"

	"github.com/rldb/rldb/engine"
)

// NameWithHash makes a name of 16 bytes whose engine.Hash is hash; different n
// give different names. Anyone can make such names, so an engine must stay
// correct, and its work bounded, when many share all or most of their hash.
//
// It runs murmur3 backwards: from the hash and an n for the half of the state
// that the hash leaves out, through the final mixing, to the one block of input
// that leads there.
func NameWithHash(hash uint64, n uint64) []byte {
	const size = 16
	h2 := n
	h1 := hash - h2
	h1, h2 = unmix(h1), unmix(h2)
	h2 -= h1
	h1 -= h2
	h1 ^= size
	h2 ^= size

	// The state before the block was 0, 0.
	k2 := bits.RotateLeft64((h2-0x38495ab5)*inverse(5)-h1, -31)
	k1 := bits.RotateLeft64((h1-0x52dce729)*inverse(5), -27)
	k1 = bits.RotateLeft64(k1*inverse(c2), -31) * inverse(c1)
	k2 = bits.RotateLeft64(k2*inverse(c1), -33) * inverse(c2)

	name := binary.LittleEndian.AppendUint64(nil, k1)
	name = binary.LittleEndian.AppendUint64(name, k2)
	if engine.Hash(name) != hash {
		panic("enginetest: engine.Hash is not the murmur3 that NameWithHash inverts")
	}
	return name
}

// The constants of murmur3-128.
const (
	c1 = 0x87c37b91114253d5
	c2 = 0x4cf5ad432745937f
)

// unmix is the inverse of murmur3's fmix64.
func unmix(k uint64) uint64 {
	k ^= k >> 33 // its own inverse, as 33 is more than half of 64
	k *= inverse(0xc4ceb9fe1a85ec53)
	k ^= k >> 33
	k *= inverse(0xff51afd7ed558ccd)
	k ^= k >> 33
	return k
}

// inverse is what undoes a multiplication by the odd number k, modulo 2^64. Each
// round doubles how many low bits are right, from 3.
func inverse(k uint64) uint64 {
	x := k
	for range 5 {
		x *= 2 - k*x
	}
	return x
}
