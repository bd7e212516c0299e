package record

import "sync/atomic"

// HLC is a hybrid logical time (Kulkarni et al., Logical Physical Clocks,
// 2014): the upper 48 bits are Unix milliseconds, the lower 16 a counter that
// orders what happens within one.
type HLC uint64

const counterBits = 16

// Milli is the time's Unix milliseconds.
func (t HLC) Milli() int64 { return int64(t >> counterBits) }

// MaxAhead is how many milliseconds a time may be ahead of the wall clock and
// still advance a Clock: a node with a wrong clock must not drag others along.
const MaxAhead = 500

// Clock is a node's hybrid logical clock. It never steps back and never gives
// the same time twice, whatever the clock below it does. It is safe for
// concurrent use.
//
// Times are minted from two registers. last is the clock itself; it gives even
// times. far gives odd times, above records that came from too far ahead: they
// must be exceeded without the clock following them. So both never give the
// same time, whatever becomes of a write that was minted.
type Clock struct {
	wall func() int64 // Unix ms
	last atomic.Uint64
	far  atomic.Uint64
}

// NewClock returns a Clock over wall, which gives Unix milliseconds.
func NewClock(wall func() int64) *Clock { return &Clock{wall: wall} }

// Next mints a time above every time that the clock has shown.
func (c *Clock) Next() HLC { return c.After(0, c.wall()) }

// After mints a time above floor, and above every time that the clock has
// shown. wall is the wall clock's reading in Unix milliseconds, for callers
// that have one at hand. A floor of more than MaxAhead ahead of wall does not
// advance the clock.
func (c *Clock) After(floor HLC, wall int64) HLC {
	now := uint64(wall) << counterBits
	for {
		last := c.last.Load()
		next := max(now, last+1)
		if uint64(floor) >= next {
			if ahead(floor, wall) {
				return c.beyond(floor)
			}
			next = uint64(floor) + 1
		}
		next += next & 1
		if c.last.CompareAndSwap(last, next) {
			return HLC(next)
		}
	}
}

// beyond mints a time above floor without advancing the clock.
func (c *Clock) beyond(floor HLC) HLC {
	for {
		far := c.far.Load()
		next := max(far, uint64(floor)) + 1
		next |= 1
		if c.far.CompareAndSwap(far, next) {
			return HLC(next)
		}
	}
}

func ahead(t HLC, wall int64) bool { return t.Milli() > wall+MaxAhead }

// Observe tells the clock a time that another node has minted. wall is the wall
// clock's reading. If t is more than MaxAhead ahead of it, the clock stays as it
// is and Observe says so, for the caller to report; what carries t is merged
// all the same.
func (c *Clock) Observe(t HLC, wall int64) (tooFar bool) {
	if ahead(t, wall) {
		return true
	}
	for {
		last := c.last.Load()
		if uint64(t) <= last || c.last.CompareAndSwap(last, uint64(t)) {
			return false
		}
	}
}

// Milli is the clock's time in Unix milliseconds, which never steps back:
// expiry is judged by it.
func (c *Clock) Milli() int64 { return c.MilliAt(c.wall()) }

// MilliAt is Milli for callers that have the wall clock's reading at hand.
func (c *Clock) MilliAt(wall int64) int64 {
	return max(wall, HLC(c.last.Load()).Milli())
}
