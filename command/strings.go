package command

import "strconv"

func stringRows() []row {
	return []row{
		{name: "get", arity: 2, flags: readonly | fast, first: 1, last: 1, step: 1, access: "RO access", run: cmdGet,
			group: "string", since: "1.0.0", complexity: "O(1)", summary: "Gives the value of a key.", syntax: "key"},
		{name: "set", arity: -3, flags: write | denyoom, first: 1, last: 1, step: 1, access: "RW access update variable_flags", run: cmdSet,
			group: "string", since: "1.0.0", complexity: "O(1)", summary: "Sets the value of a key.", syntax: "key value"},
		{name: "incr", arity: 2, flags: write | denyoom | fast, first: 1, last: 1, step: 1, access: "RW access update", run: cmdIncr,
			group: "string", since: "1.0.0", complexity: "O(1)", summary: "Adds one to the integer that a key holds.", syntax: "key"},
	}
}

func cmdGet(c *call) {
	if v, ok := c.get(0); ok {
		c.w.Bulk(v)
		return
	}
	c.w.Null()
}

func cmdSet(c *call) {
	c.set(0, c.args[2], 0)
	c.w.OK()
}

func cmdIncr(c *call) {
	old, ok := c.get(0)
	n := int64(0)
	if ok {
		if n, ok = parseInt(old); !ok {
			c.fail(errNotInt)
			return
		}
	}
	n++
	c.set(0, strconv.AppendInt(c.scratch(20)[:0], n, 10), c.expireAt(0))
	c.w.Int(n)
}
