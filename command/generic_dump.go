package command

import (
	"encoding/binary"
	"hash/crc64"

	"github.com/rldb/rldb/record"
)

// dumpRows are DUMP and RESTORE. What travels between them, version 1:
//
//	0   format version
//	1   type of the value: record.String
//	2   the value
//	..  CRC-64/XZ of all before it, 8 bytes, little-endian
//
// It is rldb's own: Redis refuses it, and its payloads are refused here.
func dumpRows() []row {
	return []row{
		{name: "dump", arity: 2, flags: readonly, access: "RO access", run: cmdDump,
			since: "2.6.0", complexity: "O(N) with a value of N bytes.", syntax: "key",
			summary: "Gives a key's value, without its expiry, in a form that RESTORE takes."},
		{name: "restore", arity: -4, flags: write | denyoom | blind, access: "OW update", run: cmdRestore, cats: "keyspace dangerous",
			since: "2.6.0", complexity: "O(N) with a value of N bytes.",
			syntax: "key ttl:integer serialized-value [REPLACE] [ABSTTL] " +
				"[IDLETIME=seconds:integer] [FREQ=frequency:integer]",
			summary: "Makes a key of what DUMP gave, expiring after ttl milliseconds, or never if that is 0."},
	}
}

const (
	dumpVersion = 1
	dumpHead    = 2
	dumpFoot    = 8
)

var crcTable = crc64.MakeTable(crc64.ECMA)

func cmdDump(c *call) {
	v, ok := c.get(0)
	if !ok {
		c.w.Null()
		return
	}
	b := c.scratch(dumpHead + len(v) + dumpFoot)
	b[0], b[1] = dumpVersion, byte(record.String)
	n := dumpHead + move(b[dumpHead:], v)
	binary.LittleEndian.PutUint64(b[n:], crc64.Checksum(b[:n], crcTable))
	c.w.Bulk(b)
}

// undump is the value in what DUMP gave, or why there is none.
func undump(b []byte) (v []byte, wrong string) {
	const damaged = "ERR DUMP payload version or checksum are wrong"
	n := len(b) - dumpFoot
	if n < dumpHead || b[0] != dumpVersion ||
		binary.LittleEndian.Uint64(b[n:]) != crc64.Checksum(b[:n], crcTable) {
		return nil, damaged
	}
	if record.Type(b[1]) != record.String {
		return nil, "ERR Bad data format"
	}
	return b[dumpHead:n], ""
}

func cmdRestore(c *call) {
	o, ok := c.restoreOptions()
	if !ok {
		return
	}
	if !o.replace && c.exists(0) {
		c.fail("BUSYKEY Target key name already exists.")
		return
	}
	at, ok := c.intArg(2)
	if !ok {
		return
	}
	if at < 0 {
		c.fail("ERR Invalid TTL value, must be >= 0")
		return
	}
	v, wrong := undump(c.args[3])
	if wrong != "" {
		c.fail(wrong)
		return
	}
	if at != 0 && !o.absolute {
		at += c.now // beyond the greatest number lies the past, as with Redis
	}
	c.set(0, v, at) // or removes the key, where that time has passed
	c.w.OK()
}

// restoreOptions are what stands behind RESTORE's payload. How long a key was
// idle, or how often it was used, is read and forgotten.
type restoreOptions struct{ replace, absolute bool }

func (c *call) restoreOptions() (o restoreOptions, ok bool) {
	idle, freq := false, false
	for i := 4; i < len(c.args); i++ {
		more := i+1 < len(c.args)
		switch {
		case c.is(i, "REPLACE"):
			o.replace = true
		case c.is(i, "ABSTTL"):
			o.absolute = true
		case c.is(i, "IDLETIME") && more && !freq:
			i, idle = i+1, true
			if n, ok := c.intArg(i); !ok {
				return o, false
			} else if n < 0 {
				c.fail("ERR Invalid IDLETIME value, must be >= 0")
				return o, false
			}
		case c.is(i, "FREQ") && more && !idle:
			i, freq = i+1, true
			if n, ok := c.intArg(i); !ok {
				return o, false
			} else if n < 0 || n > 255 {
				c.fail("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return o, false
			}
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	return o, true
}
