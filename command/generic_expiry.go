package command

import "math"

// expiryRows are the commands about when keys expire.
func expiryRows() []row {
	const (
		condition = " [condition(NX|XX|GT|LT)]"
		constant  = "O(1)"
		rewrites  = "O(N) with a value of N bytes."
	)
	return []row{
		{name: "expire", arity: -3, flags: write | fast, access: "RW update", run: cmdExpire,
			since: "1.0.0", complexity: rewrites, syntax: "key seconds:integer" + condition,
			summary: "Has a key expire after some seconds."},
		{name: "pexpire", arity: -3, flags: write | fast, access: "RW update", run: cmdPExpire,
			since: "2.6.0", complexity: rewrites, syntax: "key milliseconds:integer" + condition,
			summary: "Has a key expire after some milliseconds."},
		{name: "expireat", arity: -3, flags: write | fast, access: "RW update", run: cmdExpireAt,
			since: "1.2.0", complexity: rewrites, syntax: "key unix-time-seconds:unix-time" + condition,
			summary: "Has a key expire at a Unix time in seconds."},
		{name: "pexpireat", arity: -3, flags: write | fast, access: "RW update", run: cmdPExpireAt,
			since: "2.6.0", complexity: rewrites, syntax: "key unix-time-milliseconds:unix-time" + condition,
			summary: "Has a key expire at a Unix time in milliseconds."},
		{name: "persist", arity: 2, flags: write | fast, access: "RW update", run: cmdPersist,
			since: "2.2.0", complexity: rewrites, syntax: "key",
			summary: "Has a key expire no more."},
		{name: "ttl", arity: 2, flags: readonly | fast | blind, access: "RO access", run: cmdTTL,
			since: "1.0.0", complexity: constant, syntax: "key",
			summary: "Tells in how many seconds a key expires."},
		{name: "pttl", arity: 2, flags: readonly | fast | blind, access: "RO access", run: cmdPTTL,
			since: "2.6.0", complexity: constant, syntax: "key",
			summary: "Tells in how many milliseconds a key expires."},
		{name: "expiretime", arity: 2, flags: readonly | fast | blind, access: "RO access", run: cmdExpireTime,
			since: "7.0.0", complexity: constant, syntax: "key",
			summary: "Tells the Unix time in seconds at which a key expires."},
		{name: "pexpiretime", arity: 2, flags: readonly | fast | blind, access: "RO access", run: cmdPExpireTime,
			since: "7.0.0", complexity: constant, syntax: "key",
			summary: "Tells the Unix time in milliseconds at which a key expires."},
	}
}

func cmdExpire(c *call)    { c.expire(1000, c.now) }
func cmdPExpire(c *call)   { c.expire(1, c.now) }
func cmdExpireAt(c *call)  { c.expire(1000, 0) }
func cmdPExpireAt(c *call) { c.expire(1, 0) }

// expire executes EXPIRE and its like: unit is the milliseconds in one of what
// the time is given in, from is where it is counted from, in Unix ms.
func (c *call) expire(unit, from int64) {
	cond, ok := c.expireCondition()
	if !ok {
		return
	}
	n, ok := c.intArg(2)
	if !ok {
		return
	}
	if n > math.MaxInt64/unit || n < math.MinInt64/unit || n*unit > math.MaxInt64-from {
		c.fail("ERR invalid expire time in '" + c.row.full + "' command")
		return
	}
	at := n*unit + from
	if !c.exists(0) || !cond.allows(c.expireAt(0), at) {
		c.w.Int(0)
		return
	}
	if at <= c.now {
		c.del(0) // not by set, to which 0 means never
	} else {
		v, _ := c.get(0)
		c.set(0, v, at)
	}
	c.w.Int(1)
}

// expireCondition is when EXPIRE may act: on keys without an expiry, with one,
// or only to make it later or earlier.
type expireCondition struct{ nx, xx, gt, lt bool }

// expireCondition reads the arguments from the fourth on; where they are wrong
// the error is replied.
func (c *call) expireCondition() (e expireCondition, ok bool) {
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "NX"):
			e.nx = true
		case c.is(i, "XX"):
			e.xx = true
		case c.is(i, "GT"):
			e.gt = true
		case c.is(i, "LT"):
			e.lt = true
		default:
			c.fail("ERR Unsupported option " + string(beforeNUL(c.args[i])))
			return e, false
		}
	}
	switch {
	case e.nx && (e.xx || e.gt || e.lt):
		c.fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return e, false
	case e.gt && e.lt:
		c.fail("ERR GT and LT options at the same time are not compatible")
		return e, false
	}
	return e, true
}

// allows judges a change of an expiry, where 0 means never.
func (e expireCondition) allows(from, to int64) bool {
	switch {
	case e.nx && from != 0,
		e.xx && from == 0,
		e.gt && (from == 0 || to <= from),
		e.lt && from != 0 && to >= from:
		return false
	}
	return true
}

func cmdPersist(c *call) {
	if c.expireAt(0) == 0 { // also where there is no key
		c.w.Int(0)
		return
	}
	v, _ := c.get(0)
	c.set(0, v, 0)
	c.w.Int(1)
}

func cmdTTL(c *call)         { c.expiry(1000, c.now) }
func cmdPTTL(c *call)        { c.expiry(1, c.now) }
func cmdExpireTime(c *call)  { c.expiry(1000, 0) }
func cmdPExpireTime(c *call) { c.expiry(1, 0) }

// expiry replies when the key expires, in units of so many milliseconds counted
// from a Unix time in ms: -1 for never, -2 where there is no key.
func (c *call) expiry(unit, from int64) {
	at := c.expireAt(0)
	switch {
	case !c.exists(0):
		c.w.Int(-2)
	case at == 0:
		c.w.Int(-1)
	default:
		left := at - from
		c.w.Int(left/unit + left%unit*2/unit) // to the nearest
	}
}
