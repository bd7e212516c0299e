package record

import "sync/atomic"

// HLC is a hybrid logical time (Kulkarni et al., Logical Physical Clocks,
// 2014): the upper 48 bits are Unix milliseconds, the lower 16 a counter that
// orders what happens within one.
type HLC uint64

const counterBits = 16

// Milli is the time's Unix milliseconds.
func (t HLC) Milli() int64 { return int64(t >> counterBits) }

// Clock is a node's hybrid logical clock. It never steps back and never gives
// the same time twice, whatever the clock below it does. It is safe for
// concurrent use.
type Clock struct {
	wall func() int64 // Unix ms
	last atomic.Uint64
}

// NewClock returns a Clock over wall, which gives Unix milliseconds.
func NewClock(wall func() int64) *Clock { return &Clock{wall: wall} }

// Next mints a time above every time that the clock has given.
func (c *Clock) Next() HLC { return c.After(0, c.wall()) }

// After mints a time above floor and above every time that the clock has
// given. wall is the wall clock's reading in Unix milliseconds, for callers
// that have one at hand.
func (c *Clock) After(floor HLC, wall int64) HLC {
	now := uint64(wall) << counterBits
	for {
		last := c.last.Load()
		next := max(now, last+1, uint64(floor)+1)
		if c.last.CompareAndSwap(last, next) {
			return HLC(next)
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
