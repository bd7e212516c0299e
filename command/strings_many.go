package command

import "math"

func cmdMGet(c *call) {
	c.w.Array(len(c.keys))
	for i := range c.keys {
		if v, ok := c.get(i); ok {
			c.w.Bulk(v)
		} else {
			c.w.Null()
		}
	}
}

func cmdMSet(c *call) {
	if len(c.args)%2 == 0 {
		c.arityError()
		return
	}
	setPairs(c, c.args[1:], 0)
	c.w.OK()
}

func cmdMSetNX(c *call) {
	if len(c.args)%2 == 0 {
		c.arityError()
		return
	}
	if c.countExisting() > 0 {
		c.w.Int(0)
		return
	}
	setPairs(c, c.args[1:], 0)
	c.w.Int(1)
}

// countExisting is how many of the command's keys have a value.
func (c *call) countExisting() (n int) {
	for i := range c.keys {
		if c.exists(i) {
			n++
		}
	}
	return n
}

// setPairs sets all keys, whose values stand behind them. A key that comes
// twice keeps what came last.
func setPairs(c *call, pairs [][]byte, expireAt int64) {
	for i := range c.keys {
		c.set(i, pairs[2*i+1], expireAt)
	}
}

// msetEXPairs is how many pairs MSETEX announces; ok is false where that is no
// number that could be.
func msetEXPairs(args [][]byte) (n int, ok bool) {
	v, ok := parseInt(args[1])
	return int(v), ok && v > 0 && v <= math.MaxInt32
}

// msetEXKeys is the keysFunc of MSETEX: numkeys, then pairs of key and value.
func msetEXKeys(args [][]byte, pos []int) ([]int, bool) {
	n, ok := msetEXPairs(args)
	if !ok || 2*n > len(args)-2 {
		return pos, false
	}
	for i := range n {
		pos = append(pos, 2+2*i)
	}
	return pos, true
}

// msetEXUnread is row.unread of MSETEX.
func msetEXUnread(args [][]byte) bool {
	n, ok := msetEXPairs(args)
	return ok && 2*n <= len(args)-2 && setUnread(args[2*n-1:])
}

func cmdMSetEX(c *call) {
	n, ok := msetEXPairs(c.args)
	if !ok {
		c.fail("ERR invalid numkeys value")
		return
	}
	if 2*n > len(c.args)-2 {
		c.fail("ERR wrong number of key-value pairs")
		return
	}
	nx, xx, life, ok := msetEXOptions(c, 2+2*n)
	if !ok {
		return
	}
	expireAt, ok := life.end(c)
	if !ok {
		return
	}
	if nx && c.countExisting() > 0 || xx && c.countExisting() < len(c.keys) {
		c.w.Int(0)
		return
	}
	if life.word == lifeKeep {
		for i := range c.keys {
			c.set(i, c.args[3+2*i], c.expireAt(i))
		}
	} else {
		setPairs(c, c.args[2:], expireAt)
	}
	c.w.Int(1)
}

// msetEXOptions reads the options of MSETEX, which begin at argument i.
func msetEXOptions(c *call, i int) (nx, xx bool, life lifetime, ok bool) {
	for i < len(c.args) {
		n := 1
		switch {
		case c.is(i, "NX") && !xx:
			nx = true
		case c.is(i, "XX") && !nx:
			xx = true
		case c.is(i, "PERSIST"):
			n = 0
		default:
			n = life.take(c, i)
		}
		if n == 0 {
			c.fail(errSyntax)
			return nx, xx, life, false
		}
		i += n
	}
	return nx, xx, life, true
}
