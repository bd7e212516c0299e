package command

import (
	"math"
	"math/big"
	"strconv"
)

func cmdIncr(c *call) { addInt(c, 1) }
func cmdDecr(c *call) { addInt(c, -1) }

func cmdIncrBy(c *call) {
	if n, ok := c.intArg(2); ok {
		addInt(c, n)
	}
}

func cmdDecrBy(c *call) {
	n, ok := c.intArg(2)
	switch {
	case !ok:
	case n == math.MinInt64:
		c.fail("ERR decrement would overflow")
	default:
		addInt(c, -n)
	}
}

// addInt adds to the first key's integer and replies the sum.
func addInt(c *call, by int64) {
	n, ok := storedInt(c)
	if !ok {
		return
	}
	sum, ok := addInt64(n, by)
	if !ok {
		c.fail(errOverflow)
		return
	}
	c.setInt(sum, c.expireAt(0))
	c.w.Int(sum)
}

// storedInt is the first key's value as an integer, 0 if there is none. Where
// it is no integer, the error is replied.
func storedInt(c *call) (int64, bool) {
	v, ok := c.get(0)
	if !ok {
		return 0, true
	}
	n, ok := parseInt(v)
	if !ok {
		c.fail(errNotInt)
	}
	return n, ok
}

// addInt64 is a+b; ok is false if that overflows.
func addInt64(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (sum > a) == (b > 0)
}

// setInt gives the first key an integer as its value.
func (c *call) setInt(n, expireAt int64) {
	c.set(0, strconv.AppendInt(c.scratch(20)[:0], n, 10), expireAt)
}

func cmdIncrByFloat(c *call) {
	old, ok := storedFloat(c)
	if !ok {
		return
	}
	by, ok := parseLongDouble(c.args[2])
	if !ok {
		c.fail(errNotFloat)
		return
	}
	sum := addLongDouble(old, by)
	if sum == nil {
		c.fail("ERR increment would produce NaN or Infinity")
		return
	}
	text := appendLongDouble(nil, sum)
	c.set(0, text, c.expireAt(0))
	c.w.Bulk(text)
}

// storedFloat is storedInt for floating-point numbers.
func storedFloat(c *call) (*big.Float, bool) {
	v, ok := c.get(0)
	if !ok {
		return new(big.Float), true
	}
	f, ok := parseLongDouble(v)
	if !ok {
		c.fail(errNotFloat)
	}
	return f, ok
}
