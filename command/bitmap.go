package command

// bitmapRows are the commands that take a value for an array of bits: single
// bits here; ranges, whole values and integers of any width in the files
// beside this one. The first bit is the highest one of the first byte.
func bitmapRows() []row {
	rows := []row{
		{name: "setbit", arity: 4, flags: write | denyoom, access: "RW access update", run: cmdSetBit, grows: setBitGrows,
			since: "2.2.0", complexity: "O(N) with a value of N bytes.", syntax: "key offset:integer value:integer",
			summary: "Sets one bit and answers what it was; the value grows as far as it must."},
		{name: "getbit", arity: 3, flags: readonly | fast, access: "RO access", run: cmdGetBit,
			since: "2.2.0", complexity: "O(1)", syntax: "key offset:integer",
			summary: "Gives one bit of a value; there are zeros behind its end."},
		{name: "bitcount", arity: -2, flags: readonly, access: "RO access", run: cmdBitCount,
			since: "2.6.0", complexity: "O(N) with N bytes to look through.",
			syntax:  "key [index{start:integer end:integer [index_unit(BYTE|BIT)]}]",
			summary: "Counts the ones in a value, or in a range of its bytes or bits."},
		{name: "bitpos", arity: -3, flags: readonly, access: "RO access", run: cmdBitPos,
			since: "2.8.7", complexity: "O(N) with N bytes to look through.",
			syntax:  "key bit:integer [index{start:integer [end_index{end:integer [index_unit(BYTE|BIT)]}]}]",
			summary: "Finds the first one or zero in a value, or in a range of its bytes or bits."},
		{name: "bitop", arity: -4, flags: write | denyoom, first: 2, last: -1, step: 1, access: "OW update;RO access", run: cmdBitOp,
			since: "2.6.0", complexity: "O(N) with values of N bytes together.", syntax: "operation destkey:key key...",
			summary: "Combines values bit by bit (AND, OR, XOR, NOT) and keeps the result under another key."},
		{name: "bitfield", arity: -2, flags: write | denyoom, access: "RW access update variable_flags", run: cmdBitField, grows: bitFieldGrows,
			since: "3.2.0", complexity: "O(N) with a value of N bytes, and O(1) for each operation.",
			syntax: "key [operation(GET=encoding_offset{encoding offset:integer}|" +
				"write{[OVERFLOW=wrap_sat_fail(WRAP|SAT|FAIL)] write_operation(" +
				"SET=encoding_offset_value{encoding offset:integer value:integer}|" +
				"INCRBY=encoding_offset_increment{encoding offset:integer increment:integer})})]...",
			summary: "Reads, sets and adds to integers of 1 to 64 bits anywhere in a value."},
		{name: "bitfield_ro", arity: -2, flags: readonly | fast, access: "RO access", run: cmdBitField,
			since: "6.0.0", complexity: "O(1) for each operation.",
			syntax:  "key [GET=encoding_offset{encoding offset:integer}]...+",
			summary: "Reads integers of 1 to 64 bits anywhere in a value."},
	}
	for i := range rows {
		rows[i].group, rows[i].cats = "bitmap", "bitmap"
	}
	return firstIsKey(rows)
}

const (
	errBitOffset = "ERR bit offset is not an integer or out of range"
	errBitValue  = "ERR bit is not an integer or out of range"
)

// bitAllowed says whether a bit may exist: it lies in a value that is not
// longer than clients may send.
func (c *call) bitAllowed(at int64) bool {
	return at >= 0 && at>>3 < c.srv.Settings().MaxBulk
}

// bitOffset is argument i as the number of a bit; where it is none, the error
// is replied.
func (c *call) bitOffset(i int) (int64, bool) {
	at, ok := parseInt(c.args[i])
	if !ok || !c.bitAllowed(at) {
		c.fail(errBitOffset)
		return 0, false
	}
	return at, true
}

// bitmap copies a value, to write bits into it: at least n bytes, the added
// ones zero.
func (c *call) bitmap(old []byte, n int) []byte {
	b := c.scratch(max(n, len(old)))
	zero(b[move(b, old):])
	return b
}

// bitAt is one bit of a value; there are zeros behind its end.
func bitAt(v []byte, at int64) byte {
	if at>>3 >= int64(len(v)) {
		return 0
	}
	return v[at>>3] >> (7 - at&7) & 1
}

func cmdSetBit(c *call) {
	at, ok := c.bitOffset(2)
	if !ok {
		return
	}
	bit, ok := parseInt(c.args[3])
	if !ok || bit != 0 && bit != 1 {
		c.fail(errBitValue)
		return
	}
	old, _ := c.get(0)
	was := bitAt(old, at)
	if size := at>>3 + 1; was != byte(bit) || size > int64(len(old)) {
		v := c.bitmap(old, int(size))
		v[at>>3] ^= (was ^ byte(bit)) << (7 - at&7)
		c.set(0, v, c.expireAt(0))
	}
	c.w.Int(int64(was))
}

func cmdGetBit(c *call) {
	at, ok := c.bitOffset(2)
	if !ok {
		return
	}
	v, _ := c.get(0)
	c.w.Int(int64(bitAt(v, at)))
}
