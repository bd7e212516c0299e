package command

import "time"

// killFilter says which clients CLIENT KILL closes: those to which all that is
// set applies.
type killFilter struct {
	id          int64
	ofType      bool
	kind        clientType
	addr, laddr string
	maxAge      time.Duration
	spare       *client // the one that asks, unless SKIPME no
}

func (f *killFilter) matches(cl *client, now time.Time) bool {
	switch {
	case cl == f.spare,
		f.id != 0 && cl.s.ID() != f.id,
		f.ofType && cl.kind() != f.kind,
		f.addr != "" && cl.s.Remote() != f.addr,
		f.laddr != "" && cl.s.Local() != f.laddr,
		f.maxAge != 0 && now.Sub(cl.s.Created()) < f.maxAge:
		return false
	}
	return true
}

func cmdClientKill(c *call) {
	if len(c.args) == 3 {
		if c.kill(killFilter{addr: addressArg(c.args[2])}) == 0 {
			c.fail("ERR No such client")
			return
		}
		c.w.OK()
		return
	}
	if f, ok := c.killFilter(); ok {
		c.w.Int(int64(c.kill(f)))
	}
}

// addressArg is an address as a filter; an empty one matches nobody, as no
// client comes from there.
func addressArg(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return string(b)
}

// killFilter reads the options, or replies what is wrong with them.
func (c *call) killFilter() (f killFilter, ok bool) {
	f.spare = c.cl
	for i := 2; i < len(c.args); i += 2 {
		if i+1 == len(c.args) {
			c.fail(errSyntax)
			return f, false
		}
		if !c.killOption(&f, i) {
			return f, false
		}
	}
	return f, true
}

func (c *call) killOption(f *killFilter, i int) bool {
	value := c.args[i+1]
	switch {
	case c.is(i, "ID"):
		n, ok := parseInt(value)
		if !ok || n < 1 {
			c.fail("ERR client-id should be greater than 0")
			return false
		}
		f.id = n
	case c.is(i, "TYPE"):
		t, ok := c.clientTypeArg(i + 1)
		if !ok {
			return false
		}
		f.ofType, f.kind = true, t
	case c.is(i, "ADDR"):
		f.addr = addressArg(value)
	case c.is(i, "LADDR"):
		f.laddr = addressArg(value)
	case c.is(i, "USER"):
		if string(value) != defaultUser {
			c.fail("ERR No such user '" + clean(value) + "'")
			return false
		}
	case c.is(i, "SKIPME") && equalFold(value, "YES"):
		f.spare = c.cl
	case c.is(i, "SKIPME") && equalFold(value, "NO"):
		f.spare = nil
	case c.is(i, "MAXAGE"):
		return c.maxAge(f, value)
	default:
		c.fail(errSyntax)
		return false
	}
	return true
}

// maxAge reads MAXAGE, which Redis has since 7.4.
func (c *call) maxAge(f *killFilter, value []byte) bool {
	n, ok := parseInt(value)
	switch {
	case !ok:
		c.fail("ERR maxage is not an integer or out of range")
	case n <= 0:
		c.fail("ERR maxage should be greater than 0")
	default:
		f.maxAge = time.Duration(min(n, int64(maxPause/time.Second))) * time.Second
		return true
	}
	return false
}

// kill closes the clients that a filter matches and returns how many they are.
// They are listed no more from here on; the one that asks gets its reply first.
func (c *call) kill(f killFilter) int {
	n, now := 0, time.Now()
	for _, cl := range c.srv.clients.list() {
		if !f.matches(cl, now) {
			continue
		}
		n++
		if cl == c.cl {
			c.s.CloseSoon()
			continue
		}
		c.srv.clients.remove(cl)
		cl.s.Kill()
	}
	return n
}
