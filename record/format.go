package record

import (
	"encoding/binary"
	"slices"
)

// The format, version 2: a whole record. Little-endian; counts and lengths are
// uvarints in their shortest form.
//
//	0   format version
//	..  number of vector entries, at least 1; number of values
//	..  the vector: actor 8 bytes, HLC 8 bytes each, by actor
//	..  the values' heads, the greatest dot first:
//	      type, flags (hasExpiry, isCut): 1 byte each
//	      place of the dot's actor in the vector, uvarint
//	      HLC 8 bytes, CRC-32C 4 bytes, expiry 8 bytes (only with hasExpiry)
//	      length of the value, uvarint
//	..  the values' bytes, in the same order
//
// A record of one value that is not cut and whose vector is its dot alone is
// always written as version 1, so that a record has one encoding.
const (
	versionWhole = 2
	isCut        = 2
	dotLen       = 16
	minValueHead = 1 + 1 + 1 + 8 + 4 + 1

	// maxHLC bounds what is decoded, so that there is room to mint above it.
	maxHLC HLC = 1<<64 - 1<<32
)

func (w *Whole) plain() bool {
	return len(w.Values) == 1 && len(w.Vector) == 1 && w.Vector[0] == w.Values[0].Dot && !w.Values[0].Cut
}

// AppendHead appends all of w's encoding that stands before the bytes of its
// values. Those follow in order.
func (w *Whole) AppendHead(dst []byte) []byte {
	if w.plain() {
		return AppendHead(dst, &w.Values[0])
	}
	dst = append(dst, versionWhole)
	dst = binary.AppendUvarint(dst, uint64(len(w.Vector)))
	dst = binary.AppendUvarint(dst, uint64(len(w.Values)))
	for _, d := range w.Vector {
		dst = appendDot(dst, d)
	}
	for i := range w.Values {
		dst = w.appendValueHead(dst, &w.Values[i])
	}
	return dst
}

func (w *Whole) appendValueHead(dst []byte, v *Value) []byte {
	var flags byte
	if v.ExpireAt != 0 {
		flags |= hasExpiry
	}
	if v.Cut {
		flags |= isCut
	}
	place, _ := slices.BinarySearchFunc(w.Vector, v.Dot.Actor, byActor)
	dst = append(dst, byte(v.Type), flags)
	dst = binary.AppendUvarint(dst, uint64(place))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(v.Dot.HLC))
	dst = binary.LittleEndian.AppendUint32(dst, v.CRC)
	if v.ExpireAt != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v.ExpireAt))
	}
	return binary.AppendUvarint(dst, uint64(len(v.Value)))
}

// Append appends w's encoding. w must not be zero: a key that nobody has
// written has no record.
func (w *Whole) Append(dst []byte) []byte {
	dst = w.AppendHead(dst)
	for i := range w.Values {
		dst = append(dst, w.Values[i].Value...)
	}
	return dst
}

// DecodeWhole reads a record of either version.
func DecodeWhole(b []byte) (w Whole, err error) {
	err = w.Decode(b)
	return w, err
}

// Decode makes w what b encodes, in the memory that w has: it allocates only
// where that is too small, and never more than in proportion to b. The bytes of
// the values are b's. It does not check their checksums: see Verify. After an
// error w is zero.
func (w *Whole) Decode(b []byte) error {
	w.Vector, w.Values = w.Vector[:0], w.Values[:0]
	if len(b) == 0 {
		return ErrFormat
	}
	ok := false
	switch b[0] {
	case version:
		ok = w.decodePlain(b)
	case versionWhole:
		ok = w.decodeWhole(b[1:])
	}
	if !ok {
		*w = Whole{}
		return ErrFormat
	}
	return nil
}

func (w *Whole) decodePlain(b []byte) bool {
	v, err := Decode(b)
	if err != nil || v.Dot.HLC == 0 || v.Dot.HLC > maxHLC {
		return false
	}
	w.Vector = append(w.Vector, v.Dot)
	w.Values = append(w.Values, v)
	return true
}

func (w *Whole) decodeWhole(b []byte) bool {
	entries, b, ok1 := uvarint(b)
	values, b, ok2 := uvarint(b)
	if !ok1 || !ok2 || entries == 0 || entries > uint64(len(b)/dotLen) {
		return false
	}
	var ok bool
	if w.Vector, b, ok = decodeVector(w.Vector, b, int(entries)); !ok {
		return false
	}
	if values > uint64(len(b)/minValueHead) {
		return false
	}
	if b, ok = w.decodeHeads(b, int(values)); !ok {
		return false
	}
	for i := range w.Values {
		n := len(w.Values[i].Value)
		w.Values[i].Value, b = b[:n:n], b[n:]
	}
	return len(b) == 0 && !w.plain()
}

// decodeHeads reads n heads and gives what is left: the values' bytes, of which
// there are as many as the heads say. Each Value is cut to its length already.
func (w *Whole) decodeHeads(b []byte, n int) (rest []byte, ok bool) {
	whole, sum := b, uint64(0)
	w.Values = slices.Grow(w.Values, n)
	for i := range n {
		var v Value
		var length uint64
		if v, length, b, ok = w.decodeValueHead(b); !ok {
			return nil, false
		}
		if i > 0 && v.Dot.Compare(w.Values[i-1].Dot) >= 0 {
			return nil, false
		}
		if length > uint64(len(whole)) {
			return nil, false
		}
		sum += length
		v.Value = whole[:length]
		w.Values = append(w.Values, v)
	}
	return b, sum == uint64(len(b))
}

func (w *Whole) decodeValueHead(b []byte) (v Value, length uint64, rest []byte, ok bool) {
	if len(b) < minValueHead || b[1]&^(hasExpiry|isCut) != 0 {
		return v, 0, nil, false
	}
	v.Type, v.Cut = Type(b[0]), b[1]&isCut != 0
	expires := b[1]&hasExpiry != 0
	place, b, ok := uvarint(b[2:])
	if !ok || place >= uint64(len(w.Vector)) || len(b) < 8+4 {
		return v, 0, nil, false
	}
	v.Dot = Dot{w.Vector[place].Actor, HLC(binary.LittleEndian.Uint64(b))}
	v.CRC = binary.LittleEndian.Uint32(b[8:])
	b = b[8+4:]
	if expires {
		if len(b) < 8 {
			return v, 0, nil, false
		}
		v.ExpireAt = int64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	length, b, ok = uvarint(b)
	if !ok || expires != (v.ExpireAt > 0) || v.Dot.HLC == 0 || v.Dot.HLC > w.Vector[place].HLC {
		return v, 0, nil, false
	}
	if v.Cut && (!expires || v.CRC != 0 || length != 0) {
		return v, 0, nil, false
	}
	return v, length, b, true
}

// decodeVector appends n entries, which b must hold, and gives what is left.
func decodeVector(v Vector, b []byte, n int) (_ Vector, rest []byte, ok bool) {
	v = slices.Grow(v, n)
	for i := range n {
		d := Dot{binary.LittleEndian.Uint64(b), HLC(binary.LittleEndian.Uint64(b[8:]))}
		if d.HLC == 0 || d.HLC > maxHLC || i > 0 && d.Actor <= v[len(v)-1].Actor {
			return v, nil, false
		}
		v, b = append(v, d), b[dotLen:]
	}
	return v, b, true
}

// uvarint reads a uvarint in its shortest form.
func uvarint(b []byte) (n uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || size > 1 && b[size-1] == 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}

// Verify reports ErrCorrupt if a value is not what its checksum says. A value
// whose bytes were cut has nothing to check.
func (w *Whole) Verify() error {
	for i := range w.Values {
		if w.Values[i].Cut {
			continue
		}
		if err := w.Values[i].Verify(); err != nil {
			return err
		}
	}
	return nil
}
