package memory

import (
	"math/bits"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
)

// block is a piece of address space from an arena. Its first touched bytes are
// counted as memory in use; beyond them it has never been written to, or not
// since its pages went back to the system.
type block struct {
	mem     []byte
	touched int
	chunk   *chunk // that it was carved from, if its pages are its own
}

const (
	minBlock = 1 << 10
	orders   = 32 // a block has minBlock<<order bytes

	// keepDirty bounds the pages of free blocks that are kept for the next
	// taker, so that a slab that comes and goes costs no system calls.
	keepDirty = 4 << 20
)

// arena hands out blocks whose sizes are powers of two. It reserves address
// space in chunks and never gives that back before release, only the memory
// behind it: so the number of mappings (Linux allows 65530) stays small, and
// what matters is not how large a block is but how much of it is touched. Hence
// free blocks are neither split nor joined.
//
// A block larger than a chunk is a mapping of its own and does go back.
type arena struct {
	page  int
	used  atomic.Int64 // bytes touched, in use or kept dirty, and charged
	limit int64        // of used; for tests
	hasty bool         // large blocks go back at once, without bury

	// mu guards all below. It is taken with a shard locked, never the other
	// way around.
	mu     sync.Mutex
	chunks []*chunk // the newest one last
	rest   []byte   // the newest chunk from its first unused byte on
	small  []byte   // the same of the block that blocks below a page come from
	free   [orders][]block
	dirty  int              // touched pages in free, in bytes
	large  map[*byte][]byte // the mappings of blocks larger than a chunk
	dead   [][]byte         // of those, what bury is to give back

	ripening ripening
}

func newArena(limit int64) *arena {
	return &arena{page: os.Getpagesize(), limit: limit, large: map[*byte][]byte{}}
}

// take returns a block of at least n bytes of unknown content.
func (a *arena) take(n int) (block, error) {
	order := bits.Len(uint(max(n, minBlock)-1) / minBlock)
	a.mu.Lock()
	defer a.mu.Unlock()
	if free := a.free[order]; len(free) > 0 {
		b := free[len(free)-1]
		free[len(free)-1] = block{}
		a.free[order] = free[:len(free)-1]
		a.dirty -= a.pages(b)
		return b, nil
	}
	if a.used.Load()+int64(n) > a.limit {
		return block{}, engine.ErrFull
	}
	switch size := minBlock << order; {
	case size > chunkSize:
		return a.takeLarge(n)
	case size < a.page:
		return a.takeSmall(size)
	default:
		mem, c, err := a.carve(size)
		return block{mem: mem, chunk: c}, err
	}
}

// takeLarge maps a block of its own.
func (a *arena) takeLarge(n int) (block, error) {
	mem, err := mapMemory(roundUp(n, a.page))
	if err != nil {
		return block{}, engine.ErrFull
	}
	a.large[&mem[0]] = mem
	return block{mem: mem}, nil
}

// takeSmall carves a block that is less than a page. Its pages are shared with
// others, so it counts as touched from the start and for ever.
func (a *arena) takeSmall(size int) (block, error) {
	if len(a.small) < size {
		mem, c, err := a.carve(64 << 10)
		if err != nil {
			return block{}, err
		}
		a.small = mem
		a.count(c, mem, false)
	}
	b := block{mem: a.small[:size:size], touched: size}
	a.small = a.small[size:]
	a.used.Add(int64(size))
	return b, nil
}

// carve cuts the next size bytes, whole pages, off the newest chunk. What a
// full chunk has left is given up: it was never touched.
func (a *arena) carve(size int) ([]byte, *chunk, error) {
	if len(a.rest) < size {
		c, err := newChunk()
		if err != nil {
			return nil, nil, engine.ErrFull
		}
		a.chunks = append(a.chunks, c)
		a.rest = c.mem
	}
	mem := a.rest[:size:size]
	a.rest = a.rest[size:]
	return mem, a.chunks[len(a.chunks)-1], nil
}

// count notes that a part of a chunk is in use, or no longer is.
func (a *arena) count(c *chunk, mem []byte, less bool) {
	c.count(mem, less, func(region int, full bool) {
		if full {
			a.ripening.add(ripe{c, region})
		} else {
			makeSmall(c.region(region))
		}
	})
}

// touch counts the pages of b up to its n-th byte as used.
func (a *arena) touch(b *block, n int) {
	if n <= b.touched {
		return
	}
	n = min(roundUp(n, a.page), len(b.mem))
	a.used.Add(int64(n - b.touched))
	if b.chunk != nil {
		a.count(b.chunk, b.mem[b.touched:n], false)
	}
	b.touched = n
}

// charge counts bookkeeping on the Go heap as used.
func (a *arena) charge(n int) { a.used.Add(int64(n)) }

// give takes a block back.
func (a *arena) give(b block) {
	if len(b.mem) > chunkSize {
		a.giveLarge(b)
		return
	}
	if a.tooDirty(b) {
		discardMemory(b.mem[:b.touched])
		a.used.Add(-int64(b.touched))
		if b.chunk != nil {
			a.count(b.chunk, b.mem[:b.touched], true)
		}
		b.touched = 0
	}
	order := bits.Len(uint(len(b.mem)-1) / minBlock)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free[order] = append(a.free[order], b)
	a.dirty += a.pages(b)
}

// tooDirty reports whether b's pages should go back to the system.
func (a *arena) tooDirty(b block) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pages(b) > 0 && a.dirty+b.touched > keepDirty
}

// pages is how many touched bytes of b can be given back to the system.
func (a *arena) pages(b block) int {
	if len(b.mem) < a.page {
		return 0
	}
	return b.touched
}

func (a *arena) giveLarge(b block) {
	a.mu.Lock()
	delete(a.large, &b.mem[0])
	if !a.hasty {
		a.dead = append(a.dead, b.mem)
	}
	a.mu.Unlock()
	a.used.Add(-int64(b.touched))
	if a.hasty {
		unmapMemory(b.mem)
	}
}

// bury gives the memory of large blocks back, which takes long: who may have
// given some calls it with no lock held.
func (a *arena) bury() {
	a.mu.Lock()
	dead := a.dead
	a.dead = nil
	a.mu.Unlock()
	for _, mem := range dead {
		unmapMemory(mem)
	}
}

// release unmaps everything.
func (a *arena) release() {
	a.ripening.stop()
	a.bury()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, mem := range a.large {
		unmapMemory(mem)
	}
	for _, c := range a.chunks {
		unmapMemory(c.mapped)
	}
	a.chunks, a.large, a.rest, a.small = nil, nil, nil, nil
	a.free, a.dirty = [orders][]block{}, 0
	a.used.Store(0)
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
