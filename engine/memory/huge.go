package memory

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// A look-up among millions of keys misses not only the caches but also the
// processor's table of pages (TLB), which reaches 512 times further with huge
// pages. Taking them from the start would make whole huge pages resident for a
// few bytes of each slab. So memory is taken in small pages, and a region of
// the size of a huge page becomes one once nearly all of it is in use.

const (
	hugePage = 2 << 20
	// ripeAt is how much of a region must be touched: the rest becomes
	// resident too, uncounted. The ends of slabs that hold no whole object are
	// never touched.
	ripeAt = hugePage - 64<<10
	// maxRipe is how many regions may wait to become huge; more stay small.
	maxRipe = 64
)

// chunk is a piece of address space that blocks are carved from. It begins at a
// multiple of hugePage.
type chunk struct {
	mapped  []byte // what was mapped for it
	mem     []byte
	touched [chunkSize / hugePage]atomic.Int32 // bytes of each region
}

func newChunk() (*chunk, error) {
	mapped, err := mapMemory(chunkSize + hugePage)
	if err != nil {
		return nil, err
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(mapped)))
	from := roundUp(int(at%hugePage), hugePage) - int(at%hugePage)
	return &chunk{mapped: mapped, mem: mapped[from : from+chunkSize : from+chunkSize]}, nil
}

func (c *chunk) region(i int) []byte { return c.mem[i*hugePage : (i+1)*hugePage] }

// count adds to what is touched of the regions that mem, a part of the chunk,
// lies in: all of mem, or all of it less. It calls f with each region that
// became, or no longer is, ripe.
func (c *chunk) count(mem []byte, less bool, f func(region int, ripe bool)) {
	at := int(uintptr(unsafe.Pointer(unsafe.SliceData(mem))) - uintptr(unsafe.Pointer(unsafe.SliceData(c.mem))))
	for end := at + len(mem); at < end; {
		i := at / hugePage
		n := min(end, (i+1)*hugePage) - at
		at += n
		if less {
			n = -n
		}
		now := int(c.touched[i].Add(int32(n)))
		if was := now - n; (was >= ripeAt) != (now >= ripeAt) {
			f(i, now >= ripeAt)
		}
	}
}

// ripening makes regions huge, one after the other, in a goroutine that begins
// with the first one and ends with stop.
type ripening struct {
	mu      sync.Mutex // guards queue's making and closing
	queue   chan ripe
	stopped bool
	wg      sync.WaitGroup
}

type ripe struct {
	chunk  *chunk
	region int
}

// add has a region become huge later, unless too many are waiting.
func (r *ripening) add(x ripe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	if r.queue == nil {
		r.queue = make(chan ripe, maxRipe)
		r.wg.Go(r.work)
	}
	select {
	case r.queue <- x:
	default:
	}
}

func (r *ripening) work() {
	for x := range r.queue {
		if x.chunk.touched[x.region].Load() >= ripeAt {
			makeHuge(x.chunk.region(x.region))
		}
	}
}

func (r *ripening) stop() {
	r.mu.Lock()
	if r.queue != nil && !r.stopped {
		close(r.queue)
	}
	r.stopped = true
	r.mu.Unlock()
	r.wg.Wait()
}
