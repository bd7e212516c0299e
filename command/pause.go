package command

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/resp"
)

// pauseKind is what CLIENT PAUSE holds: the greater, the more.
type pauseKind int32

const (
	pauseNothing pauseKind = iota
	pauseWrites
	pauseAll
)

// maxPause is the longest pause, which is as good as for ever.
const maxPause = 100 * 365 * 24 * time.Hour

// pause is what CLIENT PAUSE set. A command that it holds stays the first of
// its client's input, with all that stands behind it, and is offered again once
// the pause is over; so it remembers whom to tell.
//
// A timer ends it. Its function may come late, after CLIENT UNPAUSE and even
// after a next pause began: it looks at the time again.
type pause struct {
	kind atomic.Int32 // a pauseKind; changes only under mu

	mu    sync.Mutex // guards what follows
	until time.Time
	timer *time.Timer
	held  map[*resp.Session]struct{}
}

// holds says whether a command must wait, and if so, remembers its session.
func (p *pause) holds(c *call) bool {
	if p.kind.Load() == int32(pauseNothing) || !p.concerns(c) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.concerns(c) { // it is over by now, or less than it was
		return false
	}
	if p.held == nil {
		p.held = map[*resp.Session]struct{}{}
	}
	p.held[c.s] = struct{}{}
	return true
}

// concerns says whether the pause is about a command. EXEC writes if anything
// in its queue does.
func (p *pause) concerns(c *call) bool {
	const writes = write | mayReplicate
	switch pauseKind(p.kind.Load()) {
	case pauseAll:
		return !c.row.has(unpaused)
	case pauseWrites:
		return c.row.any(writes) || c.row.full == "exec" && c.cl.queueHas&writes != 0
	}
	return false
}

// begin starts a pause. One that is in force goes on for at least as long, and
// holds at least as much, as it did.
func (p *pause) begin(kind pauseKind, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(min(d, maxPause))
	if p.kind.Load() != int32(pauseNothing) {
		kind = max(kind, pauseKind(p.kind.Load()))
		if p.until.After(until) {
			until = p.until
		}
	}
	p.kind.Store(int32(kind))
	p.until = until
	if p.timer == nil {
		p.timer = time.AfterFunc(time.Until(until), p.timeUp)
		return
	}
	p.timer.Reset(time.Until(until))
}

func (p *pause) timeUp() {
	p.mu.Lock()
	if left := time.Until(p.until); left > 0 {
		p.timer.Reset(left)
		p.mu.Unlock()
		return
	}
	p.letGo()
}

// end lets everybody go on.
func (p *pause) end() {
	p.mu.Lock()
	p.until = time.Time{}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.letGo()
}

// letGo ends the pause and releases mu, which the caller holds.
func (p *pause) letGo() {
	p.kind.Store(int32(pauseNothing))
	held := p.held
	p.held = nil
	p.mu.Unlock()
	for s := range held {
		s.Resume()
	}
}

// forget drops a session that is closed.
func (p *pause) forget(s *resp.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, s)
}

// holding says whether a session's next command waits.
func (p *pause) holding(s *resp.Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.held[s]
	return ok
}

func cmdClientPause(c *call) {
	kind := pauseAll
	switch {
	case len(c.args) > 4:
		c.subcommandError()
		return
	case len(c.args) == 4 && c.is(3, "WRITE"):
		kind = pauseWrites
	case len(c.args) == 4 && !c.is(3, "ALL"):
		c.fail("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	ms, ok := parseInt(c.args[2])
	switch {
	case !ok:
		c.fail("ERR timeout is not an integer or out of range")
		return
	case ms < 0:
		c.fail("ERR timeout is negative")
		return
	}
	c.srv.pause.begin(kind, time.Duration(min(ms, maxPause.Milliseconds()))*time.Millisecond)
	c.w.OK()
}

func cmdClientUnpause(c *call) {
	c.srv.pause.end()
	c.w.OK()
}
