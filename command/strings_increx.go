package command

import (
	"math"
	"math/big"
)

// increx are the options of INCREX: positions of arguments, 0 for what was not
// given.
type increx struct {
	by, lower, upper int
	float            bool // BYFLOAT
	saturate, enx    bool
	life             lifetime
}

func cmdIncrEX(c *call) {
	o, ok := increxOf(c)
	if !ok {
		return
	}
	if o.float {
		o.addFloat(c)
	} else {
		o.addInt(c)
	}
}

// increxOf reads the options. Unlike elsewhere, none may come twice.
func increxOf(c *call) (o increx, ok bool) {
	for i := 2; i < len(c.args); {
		var n int
		switch {
		case c.is(i, "BYINT"):
			n = takeOnce(c, i, &o.by)
		case c.is(i, "BYFLOAT"):
			n, o.float = takeOnce(c, i, &o.by), true
		case c.is(i, "LBOUND"):
			n = takeOnce(c, i, &o.lower)
		case c.is(i, "UBOUND"):
			n = takeOnce(c, i, &o.upper)
		case c.is(i, "SATURATE") && !o.saturate:
			n, o.saturate = 1, true
		case c.is(i, "ENX") && !o.enx:
			n, o.enx = 1, true
		case o.life.word == lifeNone:
			n = o.life.take(c, i)
		}
		if n == 0 || o.life.word == lifeKeep || o.enx && o.life.word == lifePersist {
			c.fail(errSyntax)
			return o, false
		}
		i += n
	}
	if o.enx && !o.life.timed() {
		c.fail("ERR ENX flag requires an expiration")
		return o, false
	}
	return o, true
}

// takeOnce notes where the argument of the option at i stands. It returns the
// number of words, 0 if there is no argument or already was one.
func takeOnce(c *call, i int, at *int) int {
	if *at != 0 || i+1 >= len(c.args) {
		return 0
	}
	*at = i + 1
	return 2
}

// kept says whether the key keeps the expiry it has.
func (o *increx) kept(c *call) bool {
	return o.life.word == lifeNone || o.enx && c.expireAt(0) != 0
}

const errBounds = "ERR LBOUND can't be greater than UBOUND"

func (o *increx) addInt(c *call) {
	by, lower, upper := int64(1), int64(math.MinInt64), int64(math.MaxInt64)
	if !increxInt(c, o.by, "Increment", &by) || !increxInt(c, o.lower, "LBOUND", &lower) ||
		!increxInt(c, o.upper, "UBOUND", &upper) {
		return
	}
	if lower > upper {
		c.fail(errBounds)
		return
	}
	expireAt, ok := o.life.end(c)
	if !ok {
		return
	}
	old, ok := storedInt(c)
	if !ok {
		return
	}
	sum, fits := addInt64(old, by)
	over := !fits && by > 0 || fits && sum > upper
	under := !fits && by < 0 || fits && sum < lower
	if (over || under) && !o.saturate {
		replyInts(c, old, 0)
		return
	}
	if over {
		sum = upper
	} else if under {
		sum = lower
	}
	applied := sum - old
	if (applied > 0) != (sum > old) {
		c.fail("ERR applied increment would overflow")
		return
	}
	if o.kept(c) {
		expireAt = c.expireAt(0)
	}
	c.setInt(sum, expireAt)
	replyInts(c, sum, applied)
}

func replyInts(c *call, value, applied int64) {
	c.w.Array(2)
	c.w.Int(value)
	c.w.Int(applied)
}

// increxInt reads argument i, if it was given, as an integer.
func increxInt(c *call, i int, what string, n *int64) bool {
	if i == 0 {
		return true
	}
	v, ok := parseInt(c.args[i])
	if !ok {
		c.fail("ERR " + what + " is not an integer or out of range")
		return false
	}
	*n = v
	return true
}

func (o *increx) addFloat(c *call) {
	by, lower, upper := new(big.Float), new(big.Float).Neg(maxLongDouble()), maxLongDouble()
	if !increxFloat(c, o.by, "Increment", &by) || !increxFloat(c, o.lower, "LBOUND", &lower) ||
		!increxFloat(c, o.upper, "UBOUND", &upper) {
		return
	}
	if by.IsInf() {
		c.fail("ERR BYFLOAT increment cannot be Infinity")
		return
	}
	if lower.Cmp(upper) > 0 {
		c.fail(errBounds)
		return
	}
	expireAt, ok := o.life.end(c)
	if !ok {
		return
	}
	old, ok := storedFloat(c)
	if !ok {
		return
	}
	if old.IsInf() {
		c.fail("ERR value cannot be Infinity")
		return
	}
	sum, applied := addLongDouble(old, by), by
	over := sum == nil && by.Sign() > 0 || sum != nil && sum.Cmp(upper) > 0
	under := sum == nil && by.Sign() < 0 || sum != nil && sum.Cmp(lower) < 0
	if (over || under) && !o.saturate {
		replyFloats(c, old, new(big.Float))
		return
	}
	if over || under {
		sum = upper
		if under {
			sum = lower
		}
		if applied = addLongDouble(sum, new(big.Float).Neg(old)); applied == nil {
			c.fail("ERR applied increment would be Infinity")
			return
		}
	}
	if o.kept(c) {
		expireAt = c.expireAt(0)
	}
	c.set(0, appendLongDouble(nil, sum), expireAt)
	replyFloats(c, sum, applied)
}

// increxFloat is increxInt for BYFLOAT.
func increxFloat(c *call, i int, what string, f **big.Float) bool {
	if i == 0 {
		return true
	}
	v, ok := parseLongDouble(c.args[i])
	if !ok {
		c.fail("ERR " + what + " is not a valid float")
		return false
	}
	*f = v
	return true
}

// replyFloats replies doubles in RESP3, bulk strings in RESP2.
func replyFloats(c *call, value, applied *big.Float) {
	c.w.Array(2)
	for _, f := range [2]*big.Float{value, applied} {
		if c.w.Proto() == 3 {
			c.w.Raw(append(appendLongDouble([]byte{','}, f), "\r\n"...))
		} else {
			c.w.Bulk(appendLongDouble(nil, f))
		}
	}
}
