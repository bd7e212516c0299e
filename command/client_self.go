package command

// What CLIENT says of, and does with, the connection that asks.

func cmdClientID(c *call) { c.w.Int(c.s.ID()) }

func cmdClientInfo(c *call) {
	c.w.Verbatim("txt", string(c.srv.describeClient(nil, c.cl)))
}

func cmdClientGetName(c *call) {
	c.cl.mu.Lock()
	name := c.cl.name
	c.cl.mu.Unlock()
	if name == "" {
		c.w.Null()
		return
	}
	c.w.BulkString(name)
}

func cmdClientSetName(c *call) {
	if c.nameClient(c.args[2]) {
		c.w.OK()
	}
}

func cmdClientSetInfo(c *call) {
	var to *string
	switch {
	case c.is(2, "LIB-NAME"):
		to = &c.cl.libName
	case c.is(2, "LIB-VER"):
		to = &c.cl.libVer
	default:
		c.fail("ERR Unrecognized option '" + clean(c.args[2]) + "'")
		return
	}
	switch value := c.args[3]; {
	case !validName(value):
		c.fail("ERR " + clean(c.args[2]) + " cannot contain spaces, newlines or special characters.")
	case len(value) > maxClientName:
		c.fail("ERR " + clean(c.args[2]) + " cannot be longer than 4096 bytes.")
	default:
		c.cl.mu.Lock()
		*to = string(value)
		c.cl.mu.Unlock()
		c.cl.weigh()
		c.w.OK()
	}
}

// cmdClientReply answers only ON: OFF and SKIP ask for silence.
func cmdClientReply(c *call) {
	switch {
	case c.is(2, "ON"):
		c.s.ReplyOn()
		c.w.OK()
	case c.is(2, "OFF"):
		c.s.ReplyOff()
	case c.is(2, "SKIP"):
		c.s.ReplySkip()
	default:
		c.fail(errSyntax)
	}
}

// onOff reads argument 2, or replies that it is neither.
func (c *call) onOff() (on, ok bool) {
	switch {
	case c.is(2, "ON"):
		return true, true
	case c.is(2, "OFF"):
		return false, true
	}
	c.fail(errSyntax)
	return false, false
}

func cmdClientNoTouch(c *call) {
	if on, ok := c.onOff(); ok {
		c.cl.mark(markNoTouch, on)
		c.w.OK()
	}
}

func cmdClientNoEvict(c *call) {
	if on, ok := c.onOff(); ok {
		c.s.SetNoEvict(on)
		c.cl.mark(markNoEvict, on)
		c.w.OK()
	}
}

// Telling clients what they cache has changed is not there yet. Accepting it
// all the same would have clients serve stale values.

const (
	errNoTracking = "ERR CLIENT TRACKING is not supported: rldb does not tell clients which keys have changed"
	errCaching    = "ERR CLIENT CACHING can be called only when the client is in tracking mode with " +
		"OPTIN or OPTOUT mode enabled"
)

func cmdClientTracking(c *call) {
	switch on, ok := c.onOff(); {
	case !ok:
	case on:
		c.fail(errNoTracking)
	case len(c.args) > 3:
		c.fail(errSyntax)
	default:
		c.w.OK()
	}
}

func cmdClientCaching(c *call) { c.fail(errCaching) }

func cmdClientGetRedir(c *call) { c.w.Int(-1) }

func cmdClientTrackingInfo(c *call) {
	c.w.Map(3)
	c.w.BulkString("flags")
	c.w.Set(1)
	c.w.BulkString("off")
	c.w.BulkString("redirect")
	c.w.Int(-1)
	c.w.BulkString("prefixes")
	c.w.Array(0)
}

func cmdClientUnblock(c *call) {
	switch {
	case len(c.args) > 4:
		c.subcommandError()
		return
	case len(c.args) == 4 && !c.is(3, "TIMEOUT") && !c.is(3, "ERROR"):
		c.fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := c.intArg(2)
	switch {
	case !ok:
	case c.srv.waits.unblock(id, len(c.args) == 4 && c.is(3, "ERROR")):
		c.w.Int(1)
	default:
		c.w.Int(0)
	}
}

func cmdClientHelp(c *call) {
	c.describe(
		"CACHING (YES|NO)", "Refused: there is no tracking.",
		"GETNAME", "Gives the name of this connection.",
		"GETREDIR", "Gives -1: there is no tracking.",
		"ID", "Gives the number of this connection.",
		"INFO", "Describes this connection.",
		"KILL <ip:port>", "Closes the connection from there.",
		"KILL <option> <value> [<option> <value> [...]]", "Closes the connections to which all options apply:",
		"  ID <client-id>", "  the one of this number",
		"  TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "  those of a type",
		"  ADDR (<ip:port>|<unixsocket>:0)", "  those that come from there",
		"  LADDR (<ip:port>|<unixsocket>:0)", "  those that came to this address of the server",
		"  USER <username>", "  those of a user",
		"  MAXAGE <seconds>", "  those that are at least so old",
		"  SKIPME (YES|NO)", "  whether the asking one is spared (default: yes)",
		"LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)]", "Describes the connections.",
		"LIST ID <client-id> [<client-id> ...]", "Describes those of these numbers.",
		"NO-EVICT (ON|OFF)", "Whether this connection is spared when maxmemory-clients is exceeded.",
		"NO-TOUCH (ON|OFF)", "Accepted, without effect.",
		"PAUSE <timeout> [WRITE|ALL]", "Holds commands, or only writes, for so many milliseconds.",
		"REPLY (ON|OFF|SKIP)", "Whether commands on this connection are replied to.",
		"SETINFO (LIB-NAME|LIB-VER) <value>", "Notes which library this connection uses.",
		"SETNAME <name>", "Names this connection.",
		"TRACKING (ON|OFF)", "Refused, but for OFF.",
		"TRACKINGINFO", "Tells that tracking is off.",
		"UNBLOCK <client-id> [TIMEOUT|ERROR]", "Ends the command that blocks a client.",
		"UNPAUSE", "Ends a PAUSE.")
}
