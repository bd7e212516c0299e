package command

func cmdGet(c *call) {
	if v, ok := c.get(0); ok {
		c.w.Bulk(v)
		return
	}
	c.w.Null()
}

func cmdSet(c *call) {
	if len(c.args) == 3 {
		c.set(0, c.args[2], 0)
		c.w.OK()
		return
	}
	o, ok := setOptionsOf(c)
	if !ok {
		return
	}
	expireAt, ok := o.life.end(c)
	if !ok {
		return
	}
	met, ok := o.met(c)
	if !ok {
		return
	}
	if o.get {
		cmdGet(c)
	}
	switch {
	case met:
		if o.life.word == lifeKeep {
			expireAt = c.expireAt(0)
		}
		c.set(0, c.args[2], expireAt)
		if !o.get {
			c.w.OK()
		}
	case !o.get:
		c.w.Null()
	}
}

// setReads is row.reads of SET: the options that need the old bytes. Any word
// that could be one counts, so an option's argument may ask in vain.
func setReads(args [][]byte) bool {
	if len(args) == 3 {
		return false
	}
	for _, a := range args[3:] {
		if equalFold(a, "GET") || isComparison(a) {
			return true
		}
	}
	return false
}

// setUnread is row.unread of SET: nothing follows the value but when it expires.
func setUnread(args [][]byte) bool {
	for i := 3; i < len(args); i += 2 {
		if i+1 == len(args) || !isExpiryWord(args[i]) {
			return false
		}
	}
	return true
}

// setOptions are what follows the value in SET.
type setOptions struct {
	nx, xx, get bool
	life        lifetime
	cmp         comparison
}

// setOptionsOf reads the options of SET. All words are looked at before any of
// their arguments, so that a syntax error comes first.
func setOptionsOf(c *call) (o setOptions, ok bool) {
	for i := 3; i < len(c.args); {
		n := 1
		switch {
		case c.is(i, "NX") && !o.xx && !o.cmp.given():
			o.nx = true
		case c.is(i, "XX") && !o.nx && !o.cmp.given():
			o.xx = true
		case c.is(i, "GET"):
			o.get = true
		case c.is(i, "PERSIST"):
			n = 0
		default:
			if n = o.life.take(c, i); n == 0 && !o.nx && !o.xx {
				n = o.cmp.take(c, i)
			}
		}
		if n == 0 {
			c.fail(errSyntax)
			return o, false
		}
		i += n
	}
	return o, true
}

// met says whether the value is to be set. Where the condition is no condition,
// ok is false and the error is replied.
func (o *setOptions) met(c *call) (met, ok bool) {
	switch {
	case o.nx:
		return !c.exists(0), true
	case o.xx:
		return c.exists(0), true
	case !o.cmp.given():
		return true, true
	case !c.exists(0):
		return o.cmp.negated(), true // what is not there differs from everything
	}
	return o.cmp.met(c)
}

func cmdSetNX(c *call) {
	if c.exists(0) {
		c.w.Int(0)
		return
	}
	c.set(0, c.args[2], 0)
	c.w.Int(1)
}

func cmdSetEX(c *call)  { setFor(c, lifeEX) }
func cmdPSetEX(c *call) { setFor(c, lifePX) }

func setFor(c *call, unit lifetimeWord) {
	life := lifetime{word: unit, arg: 2}
	if expireAt, ok := life.end(c); ok {
		c.set(0, c.args[3], expireAt)
		c.w.OK()
	}
}

func cmdGetSet(c *call) {
	cmdGet(c)
	c.set(0, c.args[2], 0)
}

func cmdGetDel(c *call) {
	cmdGet(c)
	if c.exists(0) {
		c.del(0)
	}
}

// cmdGetEX looks at the option's argument only if there is a value, as Redis
// does.
func cmdGetEX(c *call) {
	var life lifetime
	for i := 2; i < len(c.args); {
		n := life.take(c, i)
		if n == 0 || life.word == lifeKeep {
			c.fail(errSyntax)
			return
		}
		i += n
	}
	v, ok := c.get(0)
	if !ok {
		c.w.Null()
		return
	}
	expireAt, ok := life.end(c)
	if !ok {
		return
	}
	c.w.Bulk(v)
	if life.timed() || life.word == lifePersist && c.expireAt(0) != 0 {
		c.set(0, v, expireAt)
	}
}
