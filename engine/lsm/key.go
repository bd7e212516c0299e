package lsm

import (
	"encoding/binary"

	"github.com/rldb/rldb/engine"
)

// Where things lie in Pebble's key space, which it orders as bytes:
//
//	slot, 2 bytes · hash, 8 bytes · name   →   meta, 16 bytes · value
//
// Numbers are big-endian, so a slot is one range, in the interface's order.
// Slots end at 0x3fff; what the engine keeps for itself begins with 0xff.
const (
	keyHead   = 2 + 8
	valueHead = len(engine.Meta{})

	countsKey = "\xffcounts"
	noteKey   = "\xffnote"
)

// appendKey gives the key of k.
func appendKey(b []byte, k *engine.Key) []byte {
	b = binary.BigEndian.AppendUint16(b, k.Slot)
	b = binary.BigEndian.AppendUint64(b, k.Hash)
	return append(b, k.Name...)
}

// appendBound gives the least key of a slot whose hash is at least from.
func appendBound(b []byte, slot uint16, from uint64) []byte {
	b = binary.BigEndian.AppendUint16(b, slot)
	return binary.BigEndian.AppendUint64(b, from)
}

// slotStart gives what is less than all keys of a slot, and greater than all of
// those before it.
func slotStart(slot uint16) []byte { return binary.BigEndian.AppendUint16(nil, slot) }

// parseKey undoes appendKey; name is part of b.
func parseKey(b []byte) (k engine.Key, ok bool) {
	if len(b) < keyHead {
		return k, false
	}
	k.Slot = binary.BigEndian.Uint16(b)
	k.Hash = binary.BigEndian.Uint64(b[2:])
	k.Name = b[keyHead:]
	return k, k.Slot < engine.Slots
}

// parseValue gives the entry that Pebble's value b stands for; the entry's value
// is part of b, and never nil.
func parseValue(b []byte) (e engine.Entry, ok bool) {
	if len(b) < valueHead {
		return e, false
	}
	e.Found = true
	copy(e.Meta[:], b)
	e.Value = b[valueHead:]
	return e, true
}
