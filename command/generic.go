package command

// genericRows are the commands on keys whatever their values are. What one
// theme needs stands in a file of its own beside this one.
func genericRows() []row {
	var rows []row
	for _, part := range [][]row{keyRows(), expiryRows(), keyspaceRows(), dumpRows()} {
		rows = append(rows, part...)
	}
	for i := range rows {
		if rows[i].group == "" {
			rows[i].group = "generic"
		}
		if rows[i].cats == "" {
			rows[i].cats = "keyspace"
		}
	}
	rows = firstIsKey(rows)
	return append(rows, objectRow(), waitRow())
}

// firstIsKey completes rows that have the key of most commands: one, right
// behind the name.
func firstIsKey(rows []row) []row {
	for i := range rows {
		if r := &rows[i]; r.access != "" && r.first == 0 {
			r.first, r.last, r.step = 1, 1, 1
		}
	}
	return rows
}

// keyRows are the commands on whole keys.
func keyRows() []row {
	return []row{
		{name: "del", arity: -2, flags: write | blind, first: 1, last: -1, step: 1, access: "RM delete", run: cmdDel,
			since: "1.0.0", complexity: "O(N) with N keys.", syntax: "key...",
			summary: "Removes keys and answers how many there were."},
		{name: "unlink", arity: -2, flags: write | fast | blind, first: 1, last: -1, step: 1, access: "RM delete", run: cmdDel,
			since: "4.0.0", complexity: "O(N) with N keys.", syntax: "key...",
			summary: "Removes keys and answers how many there were, as DEL does."},
		{name: "exists", arity: -2, flags: readonly | fast | blind, first: 1, last: -1, step: 1, access: "RO", run: cmdExists,
			since: "1.0.0", complexity: "O(N) with N keys.", syntax: "key...",
			summary: "Counts those of the keys that exist; a key named twice counts twice."},
		{name: "touch", arity: -2, flags: readonly | fast | blind, first: 1, last: -1, step: 1, access: "RO", run: cmdExists,
			since: "3.2.1", complexity: "O(N) with N keys.", syntax: "key...",
			summary: "Counts those of the keys that exist. Times of access are not kept, so nothing else changes."},
		{name: "type", arity: 2, flags: readonly | fast | blind, access: "RO", run: cmdType,
			since: "1.0.0", complexity: "O(1)", syntax: "key",
			summary: "Names the type of a key's value, or none where there is no key."},
		{name: "rename", arity: 3, flags: write, first: 1, last: 2, step: 1, access: "RW access delete;OW update", run: cmdRename,
			since: "1.0.0", complexity: "O(N) with a value of N bytes.", syntax: "key newkey:key",
			summary: "Gives a value, with its expiry, another key, whatever that one held."},
		{name: "renamenx", arity: 3, flags: write | fast, first: 1, last: 2, step: 1, access: "RW access delete;OW insert", run: cmdRenameNX,
			since: "1.0.0", complexity: "O(N) with a value of N bytes.", syntax: "key newkey:key",
			summary: "Gives a value, with its expiry, another key, unless that one exists."},
		{name: "copy", arity: -3, flags: write | denyoom, first: 1, last: 2, step: 1, access: "RO access;OW update", run: cmdCopy,
			since: "6.2.0", complexity: "O(N) with a value of N bytes.",
			syntax:  "source:key destination:key [DB=destination-db:integer] [REPLACE]",
			summary: "Copies a value, with its expiry, to another key."},
		{name: "move", arity: 3, flags: write | fast, access: "RW access update", run: cmdMove,
			since: "1.0.0", complexity: "O(1)", syntax: "key db:integer",
			summary: "Always fails: there is one database, so no other to move a key to."},
	}
}

const (
	errSameObject = "ERR source and destination objects are the same"
	errDBIndex    = "ERR DB index is out of range"
)

func cmdDel(c *call) {
	n := int64(0)
	for i := range c.keys {
		if c.exists(i) {
			c.del(i)
			n++
		}
	}
	c.w.Int(n)
}

func cmdExists(c *call) {
	n := int64(0)
	for i := range c.keys {
		if c.exists(i) {
			n++
		}
	}
	c.w.Int(n)
}

func cmdType(c *call) {
	if c.exists(0) {
		c.w.Status("string")
		return
	}
	c.w.Status("none")
}

// sameKey says whether both of a command's two keys are one.
func (c *call) sameKey() bool { return c.keys[0] == c.keys[1] }

// copyValue gives the second key the first one's value and expiry.
func (c *call) copyValue() {
	v, _ := c.get(0)
	b := c.scratch(len(v))
	copy(b, v)
	c.set(1, b, c.expireAt(0))
}

func cmdRename(c *call) {
	if !c.exists(0) {
		c.fail(errNoKey)
		return
	}
	if !c.sameKey() {
		c.copyValue()
		c.del(0)
	}
	c.w.OK()
}

func cmdRenameNX(c *call) {
	switch {
	case !c.exists(0):
		c.fail(errNoKey)
	case c.exists(1): // so is the same key
		c.w.Int(0)
	default:
		c.copyValue()
		c.del(0)
		c.w.Int(1)
	}
}

func cmdCopy(c *call) {
	replace := false
	for i := 3; i < len(c.args); i++ {
		switch {
		case c.is(i, "REPLACE"):
			replace = true
		case c.is(i, "DB") && i+1 < len(c.args):
			i++
			if !c.database(i) {
				return
			}
		default:
			c.fail(errSyntax)
			return
		}
	}
	switch {
	case c.sameKey():
		c.fail(errSameObject)
	case !c.exists(0), c.exists(1) && !replace:
		c.w.Int(0)
	default:
		c.copyValue()
		c.w.Int(1)
	}
}

func cmdMove(c *call) {
	if c.srv.cluster != nil {
		c.fail("ERR MOVE is not allowed in cluster mode")
		return
	}
	if c.database(2) {
		c.fail(errSameObject)
	}
}
