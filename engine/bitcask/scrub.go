package bitcask

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Problem is something that is wrong on disk.
type Problem struct {
	File   string
	Offset int64
	Size   int64 // bytes that are concerned, if known
	What   string

	headless bool
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: offset %d: %s (%d bytes)", p.File, p.Offset, p.What, p.Size)
}

// problems remembers what has been reported, so that the same place is counted
// and logged once.
type problems struct {
	count atomic.Int64

	mu    sync.Mutex // guards known
	known map[place64]bool
}

type place64 struct {
	file string
	off  int64
}

// maxKnown bounds the memory for problems. Beyond it each is counted as often
// as it is met.
const maxKnown = 10_000

func (p *problems) add(file string, off int64) (isNew bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := place64{file, off}
	if p.known[at] {
		return false
	}
	if p.known == nil {
		p.known = map[place64]bool{}
	}
	if len(p.known) < maxKnown {
		p.known[at] = true
	}
	p.count.Add(1)
	return true
}

// report counts and logs a problem.
func (e *Engine) report(p Problem) {
	if e.problems.add(p.File, p.Offset) {
		e.log.Error("bitcask: corrupt data", "file", p.File, "offset", p.Offset, "bytes", p.Size, "what", p.What)
	}
}

// reportItem reports an item of a segment that is not whole. Where not even the
// key is known the segment must stay as it is.
func (e *Engine) reportItem(s *segment, it *item) {
	if it.state == gap || it.state == badKey {
		s.damaged.Store(true)
	}
	e.report(Problem{File: s.name, Offset: it.off, Size: it.end - it.off, What: it.state.String()})
}

// found reports what a read of an entry has met.
func (e *Engine) found(s *segment, off int64, err error) {
	e.report(Problem{File: s.name, Offset: off, What: err.Error()})
}

// scrub is a goroutine that reads everything that is settled, again and again,
// at a bounded rate, and reports what is damaged.
func (e *Engine) scrub() {
	p := newPace(e.opts.ScrubBytesPerSecond, e.quit)
	idle := time.NewTimer(0)
	defer idle.Stop()
	for {
		select {
		case <-e.quit:
			return
		case <-idle.C:
		}
		for _, s := range e.segments.ordered() {
			if !s.settled.Load() || !s.acquire() {
				continue
			}
			err := e.scrubOne(s, p)
			s.release()
			if errors.Is(err, errQuit) {
				return
			}
			if err != nil {
				e.report(Problem{File: s.name, What: err.Error()})
			}
		}
		e.figures.scrubs.Add(1)
		idle.Reset(lookEvery)
	}
}

func (e *Engine) scrubOne(s *segment, p *pace) error {
	sc := scanner{file: s.file, size: s.size.Load(), seed: s.crcSeed, off: headerSize}
	sc.pace = func(n int) error {
		e.figures.scrubbed.Add(int64(n))
		return p.take(n)
	}
	for {
		it, ok, err := sc.next()
		if err != nil || !ok {
			return err
		}
		if it.state != whole {
			e.reportItem(s, &it)
		}
	}
}
