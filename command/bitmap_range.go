package command

import (
	"encoding/binary"
	"math/bits"
)

// bitUnit reads argument i, BYTE or BIT; where it is neither, the error is
// replied.
func (c *call) bitUnit(i int) (inBits, ok bool) {
	switch {
	case c.is(i, "BIT"):
		return true, true
	case c.is(i, "BYTE"):
		return false, true
	}
	c.fail(errSyntax)
	return false, false
}

// bitSpan turns a range, its ends included and counted from the value's end
// where they are negative, into the half-open range of bits from..to; from is
// not below to where nothing is in it.
func bitSpan(start, end int64, inBits bool, size int) (from, to int64) {
	unit, total := int64(8), int64(size)
	if inBits {
		unit, total = 1, 8*total
	}
	start, end = fromEnd(start, total), min(fromEnd(end, total), total-1)
	if start > end {
		return 0, 0
	}
	return start * unit, (end + 1) * unit
}

// fromEnd counts a negative index from the end, no further than to the start.
func fromEnd(i, total int64) int64 {
	if i < 0 {
		return max(i+total, 0)
	}
	return i
}

// cmdBitCount, like Redis, does not look at the range where there is no value.
func cmdBitCount(c *call) {
	v, ok := c.get(0)
	if !ok {
		c.w.Int(0)
		return
	}
	start, end, inBits := int64(0), int64(-1), false
	switch len(c.args) {
	case 2:
	case 4, 5:
		if start, ok = c.intArg(2); !ok {
			return
		}
		if end, ok = c.intArg(3); !ok {
			return
		}
		if start < 0 && end < 0 && start > end {
			c.w.Int(0) // also where both would be moved to the value's first byte
			return
		}
		if len(c.args) == 5 {
			if inBits, ok = c.bitUnit(4); !ok {
				return
			}
		}
	default:
		c.fail(errSyntax)
		return
	}
	c.w.Int(countBits(v, start, end, inBits))
}

// countBits counts the ones in a range.
func countBits(v []byte, start, end int64, inBits bool) int64 {
	from, to := bitSpan(start, end, inBits, len(v))
	if from >= to {
		return 0
	}
	first, last := from>>3, (to-1)>>3
	n := onesIn(v[first : last+1])
	n -= bits.OnesCount8(v[first] &^ (0xff >> (from & 7)))   // before the range
	n -= bits.OnesCount8(v[last] & (0x7f >> ((to - 1) & 7))) // behind it
	return int64(n)
}

func onesIn(v []byte) (n int) {
	for ; len(v) >= 8; v = v[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(v))
	}
	for _, b := range v {
		n += bits.OnesCount8(b)
	}
	return n
}

// cmdBitPos, like Redis, does not look at the range where there is no value.
func cmdBitPos(c *call) {
	bit, ok := c.intArg(2)
	if !ok {
		return
	}
	if bit != 0 && bit != 1 {
		c.fail("ERR The bit argument must be 1 or 0.")
		return
	}
	v, ok := c.get(0)
	if !ok {
		c.w.Int(-bit) // zeros without an end
		return
	}
	start, end, inBits, ok := c.bitPosRange()
	if !ok {
		return
	}
	from, to := bitSpan(start, end, inBits, len(v))
	at := findBit(v, from, to, byte(bit))
	if at < 0 && bit == 0 && len(c.args) < 5 && from < to {
		at = to // the zeros behind a value count, unless the client set an end
	}
	c.w.Int(at)
}

// bitPosRange reads [start [end [BYTE|BIT]]].
func (c *call) bitPosRange() (start, end int64, inBits, ok bool) {
	end, ok = -1, true
	n := len(c.args)
	if n > 6 {
		c.fail(errSyntax)
		return 0, 0, false, false
	}
	if n > 3 {
		start, ok = c.intArg(3)
	}
	if ok && n > 5 {
		inBits, ok = c.bitUnit(5)
	}
	if ok && n > 4 {
		end, ok = c.intArg(4)
	}
	return start, end, inBits, ok
}

// findBit is the place of the first bit of a kind in from..to, or -1.
func findBit(v []byte, from, to int64, bit byte) int64 {
	others := byte(0) // a byte without such a bit
	if bit == 0 {
		others = 0xff
	}
	unseen := byte(0xff) >> (from & 7)
	for i := from >> 3; i<<3 < to; i++ {
		if found := (v[i] ^ others) & unseen; found != 0 {
			if at := i<<3 + int64(bits.LeadingZeros8(found)); at < to {
				return at
			}
			return -1
		}
		unseen = 0xff
		i += 8 * skipWords(v[i+1:(to+7)>>3], others)
	}
	return -1
}

// skipWords is how many words of eight bytes at the front of v hold nothing but
// one byte's bits.
func skipWords(v []byte, b byte) (n int64) {
	word := uint64(b) * 0x0101010101010101
	for ; len(v) >= 8 && binary.LittleEndian.Uint64(v) == word; v = v[8:] {
		n++
	}
	return n
}
