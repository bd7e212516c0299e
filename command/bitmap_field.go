package command

// cmdBitField executes BITFIELD and BITFIELD_RO. All operations are read before
// the first is carried out, so that a wrong word changes nothing.
func cmdBitField(c *call) {
	ops, ok := c.fieldOps()
	if !ok {
		return
	}
	v, _ := c.get(0)
	size := 0 // that the writes need; 0: there are none
	for i := range ops {
		if op := &ops[i]; op.kind != fieldGet {
			size = max(size, int((op.at+int64(op.bits)-1)>>3)+1)
		}
	}
	if size > 0 {
		if c.row.has(readonly) {
			c.fail("ERR BITFIELD_RO only supports the GET subcommand")
			return
		}
		grown := size > len(v)
		v = c.bitmap(v, size)
		if c.runFieldOps(ops, v) || grown {
			c.set(0, v, c.expireAt(0))
		}
		return
	}
	c.runFieldOps(ops, v)
}

// runFieldOps carries operations out on v, replies, and says whether that
// changed v.
func (c *call) runFieldOps(ops []fieldOp, v []byte) (changed bool) {
	c.w.Array(len(ops))
	for i := range ops {
		op := &ops[i]
		old := op.read(v)
		if op.kind == fieldGet {
			c.w.Int(op.number(old))
			continue
		}
		result, ok := op.result(old)
		if !ok {
			c.w.Null() // OVERFLOW FAIL
			continue
		}
		op.write(v, result)
		changed = changed || result != old
		if op.kind == fieldSet {
			result = old
		}
		c.w.Int(op.number(result))
	}
	return changed
}

// fieldOps reads the operations; where they cannot be understood, the error is
// replied.
func (c *call) fieldOps() (ops []fieldOp, ok bool) {
	over := overflowWrap
	for i := 2; i < len(c.args); {
		left := len(c.args) - i - 1
		op := fieldOp{over: over}
		switch {
		case c.is(i, "GET") && left >= 2:
			op.kind = fieldGet
		case c.is(i, "SET") && left >= 3:
			op.kind = fieldSet
		case c.is(i, "INCRBY") && left >= 3:
			op.kind = fieldIncr
		case c.is(i, "OVERFLOW") && left >= 1:
			if over, ok = c.overflowArg(i + 1); !ok {
				return nil, false
			}
			i += 2
			continue
		default:
			c.fail(errSyntax)
			return nil, false
		}
		if !c.fieldTypeArg(i+1, &op) || !c.fieldOffsetArg(i+2, &op) {
			return nil, false
		}
		i += 3
		if op.kind != fieldGet {
			if op.arg, ok = c.intArg(i); !ok {
				return nil, false
			}
			i++
		}
		ops = append(ops, op)
	}
	return ops, true
}

func (c *call) overflowArg(i int) (fieldOverflow, bool) {
	switch {
	case c.is(i, "WRAP"):
		return overflowWrap, true
	case c.is(i, "SAT"):
		return overflowSat, true
	case c.is(i, "FAIL"):
		return overflowFail, true
	}
	c.fail("ERR Invalid OVERFLOW type specified")
	return 0, false
}

// fieldTypeArg reads argument i as i1 to i64 or u1 to u63: 64 unsigned bits
// would not fit into a reply.
func (c *call) fieldTypeArg(i int, op *fieldOp) bool {
	word := beforeNUL(c.args[i])
	if len(word) > 1 && (word[0] == 'i' || word[0] == 'u') {
		op.signed = word[0] == 'i'
		most := int64(63)
		if op.signed {
			most = 64
		}
		if n, ok := parseInt(word[1:]); ok && n >= 1 && n <= most {
			op.bits = uint(n)
			return true
		}
	}
	c.fail("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
	return false
}

// fieldOffsetArg reads argument i as the number of the field's first bit, or
// behind a # as the number of the field, where fields of its width stand side
// by side. Like Redis, it multiplies modulo 2^64.
func (c *call) fieldOffsetArg(i int, op *fieldOp) bool {
	word, unit := c.args[i], int64(1)
	if len(word) > 0 && word[0] == '#' {
		word, unit = word[1:], int64(op.bits)
	}
	n, ok := parseInt(word)
	op.at = n * unit
	if !ok || !c.bitAllowed(op.at) {
		c.fail(errBitOffset)
		return false
	}
	return true
}
