package command

import (
	"slices"

	"github.com/rldb/rldb/engine"
)

// A command with large words, or one that makes a large value of small ones, is
// started without being tried: the connection loop must not copy megabytes while
// other clients wait. Where the value that is there is large, the engine says so.

// large says whether the command's words make it such a one. Words that are large
// are in the session's own buffer.
func (c *call) large() bool {
	return c.s.Input() >= engine.Large && wordBytes(c.args) >= engine.Large || c.row.large(c.args)
}

// large says whether the segment's commands together are such a one.
func (x *exec) large() bool {
	n := 0
	for i := range x.part {
		if x.part[i].row.large(x.part[i].args) {
			return true
		}
		n += wordBytes(x.part[i].args)
	}
	return n >= engine.Large
}

func (r *row) large(args [][]byte) bool {
	return r.grows != nil && r.grows(args) >= engine.Large
}

// step is how much is copied or cleared in one go, which cannot be interrupted:
// meanwhile no other goroutine gets this processor, and none at all if the
// collector wants to stop them. Goroutines are interrupted where a function begins,
// so the two steps must not become part of the loops around them.
const step = 1 << 20

//go:noinline
func moveStep(to, from []byte) int { return copy(to, from) }

//go:noinline
func zeroStep(b []byte) { clear(b) }

// move is copy for values that may be large. to and from do not overlap.
func move(to, from []byte) (n int) {
	for len(from) > step && len(to) > step {
		moveStep(to, from[:step])
		to, from, n = to[step:], from[step:], n+step
	}
	return n + copy(to, from)
}

// zero clears what may be large.
func zero(b []byte) {
	for part := range slices.Chunk(b, step) {
		zeroStep(part)
	}
}

func setRangeGrows(args [][]byte) int64 {
	n, _ := parseInt(args[2])
	return n
}

func setBitGrows(args [][]byte) int64 {
	n, _ := parseInt(args[2])
	return n >> 3
}

// bitFieldGrows looks for offsets behind the words of operations.
func bitFieldGrows(args [][]byte) (size int64) {
	for i := 2; i+2 < len(args); i++ {
		if !equalFold(args[i], "SET") && !equalFold(args[i], "INCRBY") {
			continue
		}
		at, width := args[i+2], int64(1)
		if len(at) > 0 && at[0] == '#' { // counts integers, of up to 64 bits
			at, width = at[1:], 64
		}
		if n, ok := parseInt(at); ok && n < 1<<40 {
			size = max(size, n*width>>3)
		}
	}
	return size
}
