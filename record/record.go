package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// Dot names one write: the actor that made it, and the hybrid logical time at
// which it did (Preguiça et al., Dotted Version Vectors, 2012, section 4). No
// dot is minted twice, so that equal dots mean the same write.
type Dot struct {
	Actor uint64
	HLC   HLC
}

// Type says how a record's value merges.
type Type byte

// String is the type of plain values.
const String Type = 0

// Record is a value as it is stored, alone (version 1 of the format) or as one
// of a Whole's. Value of a decoded record is the decoder's input, not a copy.
type Record struct {
	Type     Type
	Dot      Dot
	ExpireAt int64 // Unix time in ms; 0: never
	CRC      uint32
	Cut      bool // the bytes of an expired value are gone; only in a Whole
	Value    []byte
}

// Expired says whether the value reads as absent at nowMilli.
func (r *Record) Expired(nowMilli int64) bool {
	return r.Cut || r.ExpireAt != 0 && r.ExpireAt <= nowMilli
}

// Errors of Decode; test with errors.Is.
var (
	ErrFormat  = errors.New("record: unknown format")
	ErrCorrupt = errors.New("record: the value does not match its checksum")
)

// The format, version 1, little-endian:
//
//	0   format version
//	1   type
//	2   flags: hasExpiry
//	3   actor    8 bytes
//	11  HLC      8 bytes
//	19  CRC-32C  4 bytes, of the value
//	23  expiry   8 bytes, only with hasExpiry
//	..  the value
//
// The record's version vector is its dot alone: others are written as version 2
// (format.go), which this decoder refuses.
const (
	version   = 1
	hasExpiry = 1
	headLen   = 23

	// MaxHead is the greatest length of what AppendHead appends.
	MaxHead = headLen + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC-32C of a value.
func Checksum(value []byte) uint32 {
	if len(value) <= sumStep {
		return crc32.Checksum(value, castagnoli)
	}
	crc := uint32(0)
	for part := range slices.Chunk(value, sumStep) {
		crc = crc32.Update(crc, castagnoli, part)
	}
	return crc
}

// sumStep is how much is summed in one go, which cannot be interrupted: the
// collector stops all goroutines only once each can be.
const sumStep = 1 << 20

// AppendHead appends all of r's encoding that stands before its value.
func AppendHead(dst []byte, r *Record) []byte {
	var flags byte
	if r.ExpireAt != 0 {
		flags = hasExpiry
	}
	dst = append(dst, version, byte(r.Type), flags)
	dst = binary.LittleEndian.AppendUint64(dst, r.Dot.Actor)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Dot.HLC))
	dst = binary.LittleEndian.AppendUint32(dst, r.CRC)
	if flags&hasExpiry != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(r.ExpireAt))
	}
	return dst
}

// Decode reads a record without checking the value's checksum: see Verify.
func Decode(b []byte) (r Record, err error) {
	if len(b) < headLen || b[0] != version || b[2]&^hasExpiry != 0 {
		return Record{}, ErrFormat
	}
	r.Type = Type(b[1])
	r.Dot.Actor = binary.LittleEndian.Uint64(b[3:])
	r.Dot.HLC = HLC(binary.LittleEndian.Uint64(b[11:]))
	r.CRC = binary.LittleEndian.Uint32(b[19:])
	r.Value = b[headLen:]
	if b[2]&hasExpiry != 0 {
		if len(b) < MaxHead {
			return Record{}, ErrFormat
		}
		r.ExpireAt = int64(binary.LittleEndian.Uint64(b[headLen:]))
		if r.ExpireAt <= 0 {
			return Record{}, ErrFormat
		}
		r.Value = b[MaxHead:]
	}
	return r, nil
}

// Verify reports ErrCorrupt if the value is not what its checksum says.
func (r *Record) Verify() error {
	if Checksum(r.Value) != r.CRC {
		return ErrCorrupt
	}
	return nil
}
