package bitcask

import (
	"errors"
	"math"
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

	looks atomic.Int64 // how often there was something new to see
	spent atomic.Int64 // the look that has shown that there is nothing to win

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
	all := k.e.segments.ordered()
	b := account(all, k.e.ledger.live.Load(), limit)
	// If there is something to merge now, room for any merge is kept free until
	// the keeper has seen how much it takes.
	p := planner{all: all, limit: limit, room: math.MaxInt64}
	if _, ok := p.choose(); ok {
		k.e.ledger.reserve.CompareAndSwap(0, hold(all, limit))
	}
	if k.e.ledger.needed.Store(b.needed); b.hurry() || k.near() {
		k.pace.hurry() // until the keeper has looked
	}
	k.looks.Add(1)
	k.wake()
}

// hold is more than any merge of these writes: a run fits one segment, or is one
// segment, which a value may have made larger.
func hold(all []*segment, limit int64) int64 {
	most := 2 * limit
	for _, s := range all {
		if mayMerge(s) {
			most = max(most, keeps(s)+hintExtra)
		}
	}
	return most
}

// near reports whether writes may soon have to wait.
func (k *keeper) near() bool { return k.e.ledger.left() < k.e.opts.SegmentBytes/2 }

// behind reports whether writes have to wait until merging has caught up.
// There is no use in that if nothing can be won, and no segment is about to be
// settled.
func (k *keeper) behind() bool {
	return k.e.ledger.left() <= 0 && (k.spent.Load() != k.looks.Load() || k.e.wal.unsettled.Load() > 0)
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
// It decides first, so that what is kept free for a merge is not kept for as long
// as the hints take: that they will come is owed all the same.
func (k *keeper) work() {
	seen := int64(0)
	defer func() { k.caughtUp(seen) }()
	for {
		seen = k.looks.Load()
		if k.e.wal.refusal() != nil && k.e.wal.isBroken() {
			return
		}
		all := k.e.segments.ordered()
		if err := k.e.list(listable(all)); err != nil {
			k.failed("listing the segments", err)
			return
		}
		r, ok := k.next(all)
		for _, s := range all {
			if s.settled.Load() && !s.hasHint {
				if err := k.writeHint(s); err != nil {
					k.failed("writing a hint", err)
					return
				}
			}
		}
		if !ok {
			return
		}
		r.hold = hold(all, k.e.opts.SegmentBytes)
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
	led := &k.e.ledger
	b := account(all, led.live.Load(), limit)
	led.needed.Store(b.needed)
	room := led.left() + led.reserve.Load()
	p.room = math.MaxInt64
	r, ok := p.choose()
	// What the next merge will take is kept free for it from when it is known.
	next := int64(0)
	if ok {
		next = p.cost(r)
	}
	k.pace.free.Store(b.hurry() || room-next < limit/2)
	if p.room = room; next > room {
		r, ok = p.choose()
	}
	led.reserve.Store(next)
	k.signal() // or else who waits would wait for the next merge to end
	if ok && (b.begins() || k.forced.Load() || led.left() <= 0) {
		return r, true
	}
	k.forced.Store(false)
	if r, ok := p.small(b.used); ok && p.cost(r) <= p.room {
		led.reserve.Store(p.cost(r))
		return r, true
	}
	return run{}, false
}

// failed logs what kept the keeper from its work; it tries again later.
func (k *keeper) failed(what string, err error) {
	if !errors.Is(err, errQuit) {
		k.e.log.Warn("bitcask: "+what+" failed", "error", err)
	}
}

// caughtUp lets the writers go on that wait: nothing more can be won for now, of
// what there was to be seen.
func (k *keeper) caughtUp(seen int64) {
	k.spent.Store(seen)
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
	if !k.behind() {
		return
	}
	k.pace.hurry()
	k.wake()
	for {
		k.mu.Lock()
		turn := k.turn
		k.mu.Unlock()
		if !k.behind() || k.e.wal.refusal() != nil {
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
	free      atomic.Bool   // no bound for now
	poke      chan struct{} // ends a pause
	next      time.Time     // when the next bytes are due; the goroutine's own
}

func newPace(perSecond int64, quit chan struct{}) *pace {
	return &pace{perSecond: perSecond, quit: quit, poke: make(chan struct{}, 1)}
}

// hurry takes the bound away for now.
func (p *pace) hurry() {
	p.free.Store(true)
	select {
	case p.poke <- struct{}{}:
	default: // it has not yet taken the last one
	}
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
	case <-p.poke:
		p.next = time.Time{}
		return nil
	case <-t.C:
		return nil
	}
}
