package bitcask

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// keeper is the goroutine that writes hints and merges. It alone removes
// segments.
type keeper struct {
	e    *Engine
	kick chan struct{}
	pace *pace

	forced atomic.Bool // merge whatever wins something
	behind atomic.Bool // writes have to wait until merging has caught up

	mu   sync.Mutex
	turn chan struct{} // closed when the keeper has looked around again
}

const lookEvery = time.Second

var errQuit = errors.New("bitcask: the engine is closing")

func newKeeper(e *Engine) *keeper {
	return &keeper{
		e: e, kick: make(chan struct{}, 1), turn: make(chan struct{}),
		pace: newPace(e.opts.MergeBytesPerSecond, e.quit),
	}
}

func (k *keeper) wake() {
	select {
	case k.kick <- struct{}{}:
	default: // it has not yet taken the last one
	}
}

// assess is called by the syncer for every segment that has become settled, and
// several times while one is written: so writes wait from the moment that they
// have to, and a merge that is under way goes at full speed from the moment that
// they would soon have to.
func (k *keeper) assess() {
	limit := k.e.opts.SegmentBytes
	b := account(k.e.segments.ordered(), k.e.live.Load(), limit)
	if b.hurry() {
		k.pace.free.Store(true)
	}
	if b.behind(limit) {
		k.behind.Store(true)
	}
	k.wake()
}

// run is the goroutine.
func (k *keeper) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		k.work()
		select {
		case <-k.kick:
		case <-tick.C:
		case <-k.e.quit:
			return
		}
	}
}

// work writes the hints that are missing and merges until there is little to win.
func (k *keeper) work() {
	defer k.caughtUp()
	for {
		if k.e.wal.refusal() != nil && k.e.wal.isBroken() {
			return
		}
		all := k.e.segments.ordered()
		for _, s := range all {
			if s.settled.Load() && !s.hasHint {
				if err := k.writeHint(s); err != nil {
					k.failed("writing a hint", err)
					return
				}
			}
		}
		r, ok := k.next(all)
		if !ok {
			return
		}
		if err := k.merge(r); err != nil {
			k.failed("merging", err)
			return
		}
		k.signal()
	}
}

// next decides whether to merge, and what.
func (k *keeper) next(all []*segment) (run, bool) {
	limit := k.e.opts.SegmentBytes
	// Before any segment is looked at: a drop that begins later has its record
	// in a segment that is not settled.
	p := planner{all: all, limit: limit, dropping: k.e.dropping.Load() > 0}
	b := account(all, k.e.live.Load(), limit)
	k.pace.free.Store(b.hurry())
	if was := k.behind.Swap(b.behind(limit)); was && !k.behind.Load() {
		k.signal() // or else who waits would wait for the next merge to end
	}
	if b.begins() || k.forced.Load() {
		if r, ok := p.choose(); ok {
			return r, true
		}
		k.forced.Store(false)
	}
	return p.small(b.used)
}

// failed logs what kept the keeper from its work; it tries again later.
func (k *keeper) failed(what string, err error) {
	if !errors.Is(err, errQuit) {
		k.e.log.Warn("bitcask: "+what+" failed", "error", err)
	}
}

// caughtUp lets the writers go on that wait: nothing more can be won for now.
func (k *keeper) caughtUp() {
	k.behind.Store(false)
	k.signal()
}

func (k *keeper) signal() {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.turn)
	k.turn = make(chan struct{})
}

// wait waits while writes have to.
func (k *keeper) wait() {
	for {
		k.mu.Lock()
		turn := k.turn
		k.mu.Unlock()
		if !k.behind.Load() {
			return
		}
		select {
		case <-turn:
		case <-k.e.quit:
			return
		}
	}
}

// pace bounds how many bytes a background goroutine reads or writes in a second.
type pace struct {
	perSecond int64
	quit      chan struct{}
	free      atomic.Bool // no bound for now
	next      time.Time   // when the next bytes are due; the goroutine's own
}

func newPace(perSecond int64, quit chan struct{}) *pace {
	return &pace{perSecond: perSecond, quit: quit}
}

// take waits until n more bytes may be moved. It fails when the engine closes.
func (p *pace) take(n int) error {
	select {
	case <-p.quit:
		return errQuit
	default:
	}
	if p.free.Load() {
		return nil
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / float64(p.perSecond) * float64(time.Second)))
	ahead := p.next.Sub(now)
	if ahead < 10*time.Millisecond {
		return nil
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-p.quit:
		return errQuit
	case <-t.C:
		return nil
	}
}
