package command

import "encoding/binary"

// bitOp combines two words.
type bitOp uint8

const (
	bitAnd bitOp = iota
	bitOr
	bitXor
	bitNot // of the first one
)

// bitOpArg reads argument i; where it names none, the error is replied.
func (c *call) bitOpArg(i int) (bitOp, bool) {
	switch {
	case c.is(i, "AND"):
		return bitAnd, true
	case c.is(i, "OR"):
		return bitOr, true
	case c.is(i, "XOR"):
		return bitXor, true
	case c.is(i, "NOT"):
		return bitNot, true
	}
	c.fail(errSyntax)
	return 0, false
}

// cmdBitOp's first key is where the result goes; it may be among the others.
func cmdBitOp(c *call) {
	op, ok := c.bitOpArg(1)
	if !ok {
		return
	}
	if op == bitNot && len(c.keys) != 2 {
		c.fail("ERR BITOP NOT must be called with a single source key.")
		return
	}
	size := 0
	for i := 1; i < len(c.keys); i++ {
		v, _ := c.get(i)
		size = max(size, len(v))
	}
	if size == 0 {
		c.del(0)
		c.w.Int(0)
		return
	}
	first, _ := c.get(1)
	out := c.bitmap(first, size)
	if op == bitNot {
		op.onto(out, out)
	}
	for i := 2; i < len(c.keys); i++ {
		v, _ := c.get(i)
		op.onto(out, v)
	}
	c.set(0, out, 0)
	c.w.Int(int64(size))
}

// onto combines dst with src, which is not longer, as if zeros stood behind it.
func (op bitOp) onto(dst, src []byte) {
	if op == bitAnd {
		clear(dst[len(src):])
	}
	for ; len(src) >= 8; dst, src = dst[8:], src[8:] {
		a, b := binary.LittleEndian.Uint64(dst), binary.LittleEndian.Uint64(src)
		binary.LittleEndian.PutUint64(dst, op.of(a, b))
	}
	for i, b := range src {
		dst[i] = byte(op.of(uint64(dst[i]), uint64(b)))
	}
}

func (op bitOp) of(a, b uint64) uint64 {
	switch op {
	case bitAnd:
		return a & b
	case bitOr:
		return a | b
	case bitXor:
		return a ^ b
	}
	return ^a
}
