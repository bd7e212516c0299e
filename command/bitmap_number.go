package command

import "math"

// fieldOp is one operation of BITFIELD on an integer that stands somewhere in a
// value, its highest bit first.
type fieldOp struct {
	kind   fieldKind
	over   fieldOverflow
	signed bool
	bits   uint  // 1 to 64
	at     int64 // number of its first bit in the value
	arg    int64 // to set, or to add
}

type fieldKind uint8

const (
	fieldGet fieldKind = iota
	fieldSet
	fieldIncr
)

// fieldOverflow is what becomes of a result that the field is too narrow for.
type fieldOverflow uint8

const (
	overflowWrap fieldOverflow = iota // its lowest bits count
	overflowSat                       // the nearest number that fits
	overflowFail                      // nothing is written
)

// read gives the field's bits; there are zeros behind the value's end.
func (op *fieldOp) read(v []byte) (field uint64) {
	at := op.at
	for left := op.bits; left > 0; {
		take, shift := fieldPart(at, left)
		var b byte
		if at>>3 < int64(len(v)) {
			b = v[at>>3]
		}
		field = field<<take | uint64(b>>shift)&(1<<take-1)
		at, left = at+int64(take), left-take
	}
	return field
}

// write puts the lowest bits of field where the field stands.
func (op *fieldOp) write(v []byte, field uint64) {
	at := op.at
	for left := op.bits; left > 0; {
		take, shift := fieldPart(at, left)
		left -= take
		mask := byte(1<<take-1) << shift
		v[at>>3] = v[at>>3]&^mask | byte(field>>left)<<shift&mask
		at += int64(take)
	}
}

// fieldPart says, of a field's next bits, how many stand in the byte of bit at,
// and how many bits of that byte stand behind them.
func fieldPart(at int64, left uint) (take, shift uint) {
	behind := 8 - uint(at&7)
	take = min(behind, left)
	return take, behind - take
}

// number is what the bits of a field mean.
func (op *fieldOp) number(field uint64) int64 {
	if !op.signed {
		return int64(field)
	}
	return int64(field<<(64-op.bits)) >> (64 - op.bits)
}

// result is the field's bits after the operation; not ok if it must not be
// carried out.
func (op *fieldOp) result(old uint64) (field uint64, ok bool) {
	base, add := uint64(op.arg), int64(0)
	if op.kind == fieldIncr {
		base, add = uint64(op.number(old)), op.arg
	}
	least, most := op.limits()
	var fit fieldFit
	if op.signed {
		fit = fitSigned(int64(base), add, int64(least), int64(most))
	} else {
		fit = fitUnsigned(base, add, most)
	}
	switch {
	case fit == inField || op.over == overflowWrap:
		return (base + uint64(add)) & (1<<op.bits - 1), true
	case op.over == overflowFail:
		return 0, false
	case fit == belowField:
		return least & (1<<op.bits - 1), true
	}
	return most, true
}

// limits are the least and greatest number that fit, as 64 bits.
func (op *fieldOp) limits() (least, most uint64) {
	if op.signed {
		most = 1<<(op.bits-1) - 1
		return ^most, most
	}
	return 0, 1<<op.bits - 1
}

// fieldFit says where a sum lies beside the numbers that fit.
type fieldFit int8

const (
	belowField fieldFit = iota - 1
	inField
	aboveField
)

// fitSigned judges, as Redis does, a number for above that is so far below a
// narrow field that the distance takes more than 63 bits.
func fitSigned(base, add, least, most int64) fieldFit {
	switch {
	case base > most || add > 0 && base > most-add,
		most != math.MaxInt64 && base < most-math.MaxInt64:
		return aboveField
	case base < least || add < 0 && base < least-add:
		return belowField
	}
	return inField
}

// fitUnsigned takes a number that is too great by itself, as -1 is when it is
// taken for one without a sign, for above, whatever is added.
func fitUnsigned(base uint64, add int64, most uint64) fieldFit {
	switch {
	case base > most || add > 0 && uint64(add) > most-base:
		return aboveField
	case add < 0 && uint64(-add) > base:
		return belowField
	}
	return inField
}
