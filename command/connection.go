package command

import (
	"bytes"

	"github.com/rldb/rldb/replication/coordinator"
)

// cmdPing answers a RESP2 client that has subscriptions in the form of a
// message: it could not tell another reply from the messages around it.
func cmdPing(c *call) {
	if len(c.args) > 2 {
		c.arityError()
		return
	}
	if c.w.Proto() == 2 && c.cl.subscriptions() > 0 {
		c.w.Array(2)
		c.w.BulkString("pong")
		c.w.Bulk(c.lastArg(1))
		return
	}
	if len(c.args) == 2 {
		c.w.Bulk(c.args[1])
		return
	}
	c.w.Status("PONG")
}

// lastArg is argument i, or nothing.
func (c *call) lastArg(i int) []byte {
	if i < len(c.args) {
		return c.args[i]
	}
	return nil
}

func cmdEcho(c *call) { c.w.Bulk(c.args[1]) }

func cmdOK(c *call) { c.w.OK() }

// cmdReadOnly changes nothing; but only clients that follow slot maps send it.
func cmdReadOnly(c *call) {
	if c.srv.cluster != nil {
		c.follows(true)
	}
	c.w.OK()
}

func cmdQuit(c *call) {
	c.w.OK()
	c.s.CloseSoon()
}

// cmdReset makes the connection what it was when it was opened, but for what
// its library said about itself.
func cmdReset(c *call) {
	cl := c.cl
	cl.dropQueue()
	cl.dropWatches()
	c.srv.monitors.remove(cl)
	c.srv.hub.leave(cl)
	c.topicsChanged()
	c.switchProto(2)
	c.s.ReplyReset()
	cl.setName("")
	cl.quorum = coordinator.Quorum{}
	cl.mark(markNoTouch, false)
	cl.login(c.srv.Settings().RequirePass == "")
	c.w.Status("RESET")
}

// switchProto has the client spoken to in another protocol. What waits for it
// is encoded in the old one, and is sent before the reply.
func (c *call) switchProto(v int) {
	c.srv.hub.setProto(c.cl, v)
	c.s.TakeMessages()
	c.s.SetProto(v)
}

// validName says whether a client's name, or what it tells about its library,
// is of printable characters without spaces.
func validName(b []byte) bool {
	for _, ch := range b {
		if ch < '!' || ch > '~' {
			return false
		}
	}
	return true
}

// maxClientName bounds such a name, so that CLIENT LIST stays within bounds.
const maxClientName = 4096

const (
	errClientName     = "ERR Client names cannot contain spaces, newlines or special characters."
	errClientNameLong = "ERR Client names cannot be longer than 4096 bytes."
)

// setName names the client; "" takes its name away.
func (cl *client) setName(name string) {
	cl.mu.Lock()
	cl.name = name
	cl.mu.Unlock()
	cl.weigh()
}

// nameClient names the client, or replies why not.
func (c *call) nameClient(name []byte) bool {
	switch {
	case !validName(name):
		c.fail(errClientName)
	case len(name) > maxClientName:
		c.fail(errClientNameLong)
	default:
		c.cl.setName(string(name))
		return true
	}
	return false
}

// subcommandError is the error of a subcommand with words that it has no use
// for.
func (c *call) subcommandError() {
	c.fail("ERR unknown subcommand or wrong number of arguments for '" + excerpt(c.args[1], 128) +
		"'. Try " + clean(bytes.ToUpper(c.args[0])) + " HELP.")
}

// describe replies a HELP. The lines are in pairs: a subcommand with its words,
// and what it does.
func (c *call) describe(lines ...string) {
	c.w.Array(len(lines) + 3)
	c.w.Status(upper(c.row.parent.name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for i, line := range append(lines, "HELP", "Prints this list.") {
		if i%2 == 1 {
			line = "    " + line
		}
		c.w.Status(line)
	}
}
