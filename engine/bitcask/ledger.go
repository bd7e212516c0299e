package bitcask

import (
	"math/bits"
	"sync/atomic"
)

// ledger keeps account of what the disk holds, so that a write can be refused
// its turn before it would be too much. All is in bytes.
type ledger struct {
	limit int64 // of a segment

	live    atomic.Int64 // keys, metas and values
	disk    atomic.Int64 // all files of segments and hints, those under way too
	pending atomic.Int64 // in the tail: what the next write(2) adds
	owed    atomic.Int64 // in hints of the log's segments that are not there yet
	reserve atomic.Int64 // what the merge that runs, or the next one, still adds
	needed  atomic.Int64 // what live data takes in complete segments, when last looked at
}

// marginShare is the part of a segment that is kept free for what the calls that
// run at the same time append, and for the directory's small files.
const marginShare = 8

// left is how much more may be written: nothing, if it is not positive. The
// arithmetic is in DESIGN.md.
func (l *ledger) left() int64 {
	// What moves from one account to another is in both for a moment, as these
	// are read in the order in which it moves.
	pending, owed, reserve := l.pending.Load(), l.owed.Load(), l.reserve.Load()
	allowed := max(2*l.live.Load(), l.needed.Load()*9/8) + 2*l.limit
	return allowed - l.disk.Load() - pending - owed - reserve - l.limit/marginShare
}

// noteSize is what an entry takes in the hint of a segment of the log, where one
// entry follows the other: the bytes skipped are few.
func noteSize(h *head) int64 {
	key := h.keyBytes()
	return 2 + 1 + uvarintLen(key) + uvarintLen(h.valueBytes()) + key
}

func uvarintLen(n int64) int64 { return int64(bits.Len64(uint64(n)|1)+6) / 7 }
