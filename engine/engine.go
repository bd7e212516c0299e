package engine

import (
	"errors"

	"github.com/spaolacci/murmur3"
)

// Slots is the number of slots of the key space (the Redis Cluster number).
const Slots = 16384

// MaxKey and MaxValue bound one entry, in bytes. A value is what the replica
// encodes: a client's value of up to 512 MiB and the record around it.
const (
	MaxKey   = 512 << 20
	MaxValue = 1 << 30
)

// Large is from how many bytes of names and values on a transaction is large:
// copying them is not to be waited for by who serves others. Callers give such
// a one to Start without asking Try, where they know.
const Large = 4 << 20

// Errors that every engine uses; test with errors.Is.
var (
	// ErrClosed: the engine was closed before the call was carried out.
	ErrClosed = errors.New("engine: closed")
	// ErrTooLarge: a key or value exceeds MaxKey or MaxValue; nothing changed.
	ErrTooLarge = errors.New("engine: key or value too large")
	// ErrFull: the engine's address space is used up; nothing changed.
	ErrFull = errors.New("engine: no room left")
	// ErrBroken: a write or fsync of the engine's files failed, so that it
	// refuses writes until it is opened again; reads go on.
	ErrBroken = errors.New("engine: broken, writes are refused")
	// ErrDiskFull: the disk is full; writes are refused until there is room.
	ErrDiskFull = errors.New("engine: disk full, writes are refused")
	// ErrCorrupt: what is on disk is not what was written.
	ErrCorrupt = errors.New("engine: corrupt")
)

// Key names an entry: its slot, its place in the slot's order, and its bytes.
// Entries of a slot are ordered by (Hash, Name).
type Key struct {
	Slot uint16
	Hash uint64 // Hash(Name)
	Name []byte
}

// Hash is the hash that orders the entries of a slot: murmur3-64 of the key.
func Hash(name []byte) uint64 { return murmur3.Sum64(name) }

// Meta is a small opaque block that the replica keeps beside each entry, so
// that counts, expiry and digests never need the value.
type Meta [16]byte

// Entry is what an engine holds under a key. Value is the engine's own memory:
// it is valid, and must not be written to, until the call that was handed the
// Entry returns.
type Entry struct {
	Found bool
	Meta  Meta
	Value []byte
}

// Action says what a step wants done with a key.
type Action uint8

// The three things that a step can do with a key.
const (
	Keep   Action = iota // leave the entry as it is, or absent
	Put                  // store Head followed by Body under the key
	Delete               // remove the entry; nothing if it is absent
)

// Change is a step's verdict on one key. Of the engine's memory, Body may
// alias only the old Value of the same key; the engine copies what it keeps.
type Change struct {
	Action Action
	Meta   Meta
	Head   []byte
	Body   []byte
}

// Mode says what a transaction needs.
type Mode uint8

// The modes of a transaction.
const (
	Read  Mode = iota // no change is made; New is ignored
	Write             // entries are read, then changed
	Blind             // as Write, but Value may be left nil: only Found and Meta count
)

// Position names a place in the engine's log. The zero Position is durable
// from the start: engines without a log give it for everything.
type Position uint64

// Step decides a transaction. Both calls are made exactly once a transaction,
// unless it fails before Decide (then only Done is called).
type Step interface {
	// Decide reads t.Old and fills t.New (zeroed before the call). It runs
	// with the entries locked: it must be quick, must not block, and must not
	// call the engine.
	Decide(t *Txn)
	// Done reports a started transaction's end, from any goroutine, with no
	// lock held; t.Err and t.Pos are set. A successful Try does not call it.
	Done(t *Txn)
}

// Txn is one atomic read-modify-write of one or more keys. The caller owns it,
// fills Keys, Mode and Step, and reuses it: the engine keeps no reference past
// a true Try or Done.
type Txn struct {
	Keys []Key // distinct, in any order
	Mode Mode
	Step Step

	Old []Entry  // entry of Keys[i], valid during Decide
	New []Change // what becomes of Keys[i]

	Err error    // why nothing was changed
	Pos Position // durable at: see Engine.Await
}

// Prepare sizes Old and New to Keys and zeroes them and the outcome. Engines
// call it first.
func (t *Txn) Prepare() {
	n := len(t.Keys)
	if cap(t.Old) < n {
		t.Old, t.New = make([]Entry, n), make([]Change, n)
	}
	t.Old, t.New = t.Old[:n], t.New[:n]
	clear(t.Old)
	clear(t.New)
	t.Err, t.Pos = nil, 0
}

// Visitor receives the entries of a scan in order.
type Visitor interface {
	// Visit is called with the slot locked, under the rules of Decide. False
	// ends the scan before the next entry.
	Visit(k Key, e Entry) bool
}

// Scan reads a slot's entries in order, from the first whose hash is at least
// From. The caller bounds how many it takes by its Visitor.
type Scan struct {
	Slot   uint16
	From   uint64
	Values bool // hand out values too, not only keys and metas
	Visit  Visitor
	Done   func(*Scan) // called at the end of a started scan
	Err    error
}

// Stats are an engine's own figures; keys count every entry, whatever it means
// to the replica. Bytes are bytes.
type Stats struct {
	Keys      int64 // entries
	LiveBytes int64 // bytes of keys, metas and values
	UsedBytes int64 // memory taken for them: live, room kept free, index
	DiskBytes int64 // on disk; 0 for memory
	Extra     []Figure
}

// Figure is one engine-specific line of INFO.
type Figure struct {
	Name  string
	Value int64
}

// Engine keeps entries. All methods are safe for concurrent use.
//
// Try and TryScan never wait for a disk, nor for the copying of Large entries.
// Where they return false nothing has happened, and the caller, having copied
// what it wants to keep, calls Start or StartScan: those return at once, run on
// the engine's bounded pool, and end in Done. Start may be called without Try.
type Engine interface {
	Try(t *Txn) bool
	Start(t *Txn)
	TryScan(s *Scan) bool
	StartScan(s *Scan)

	// Prefetch says that these keys are likely to be asked for next. An engine
	// may have the processor fetch what it keeps in memory of them. It changes
	// nothing and never waits for a disk.
	Prefetch(keys []Key)

	// Flush hands everything written so far to the operating system, on the
	// caller's goroutine: from then on it survives the end of this process. A
	// connection loop calls it once before it sends a round of replies. It may
	// wait for the system, so no lock may be held. Large transactions that are
	// being written, and what comes after them, it may leave to others: Await
	// tells when that is done, and whether.
	Flush() error
	// Await calls done once everything up to pos is as durable as the
	// engine's settings promise: at once, or later from another goroutine.
	Await(pos Position, done func(error))

	// Len is the number of entries of a slot. It takes no lock that waits.
	Len(slot uint16) int64
	// Drop removes all entries of a slot.
	Drop(slot uint16) error
	Stats() Stats
	// UsedBytes is Stats().UsedBytes, cheap enough to be asked before every
	// write.
	UsedBytes() int64
	// Sync makes everything durable, whatever the settings say.
	Sync() error
	// Close syncs and releases everything; calls that come later fail with
	// ErrClosed. No call may be running.
	Close() error
}

// Ordered is what an engine may be besides.
type Ordered interface {
	// InOrder says that Try carries out no write, and that writes take effect,
	// and are seen by others, in the order in which they were started.
	InOrder() bool
}

// Noter is what an engine may be besides: one that hands a note of its user's on
// from a clean stop to the next start.
type Noter interface {
	// Note is what was noted before the last stop; nil if there was nothing, or
	// the stop was not clean, so that the entries may have changed since.
	Note() []byte
	// SetNote is called before Close, when nothing is changed any more.
	SetNote(note []byte)
}
