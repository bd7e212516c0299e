package command

import (
	"fmt"
	"time"
)

// clientType is a kind of client that CLIENT LIST and CLIENT KILL can name.
type clientType uint8

const (
	typeNormal clientType = iota
	typePubSub
	typeReplica // there are none, nor masters
	typeMaster
)

func (cl *client) kind() clientType {
	for i := range cl.subs {
		if cl.subs[i].Load() > 0 {
			return typePubSub
		}
	}
	return typeNormal
}

// clientTypeArg reads argument i, or replies that it is none.
func (c *call) clientTypeArg(i int) (t clientType, ok bool) {
	switch {
	case c.is(i, "NORMAL"):
		return typeNormal, true
	case c.is(i, "PUBSUB"):
		return typePubSub, true
	case c.is(i, "REPLICA"), c.is(i, "SLAVE"):
		return typeReplica, true
	case c.is(i, "MASTER"):
		return typeMaster, true
	}
	c.fail("ERR Unknown client type '" + clean(c.args[i]) + "'")
	return 0, false
}

func cmdClientList(c *call) {
	var text []byte
	switch {
	case len(c.args) == 2:
		for _, cl := range c.srv.clients.list() {
			text = c.srv.describeClient(text, cl)
		}
	case len(c.args) == 4 && c.is(2, "TYPE"):
		t, ok := c.clientTypeArg(3)
		if !ok {
			return
		}
		for _, cl := range c.srv.clients.list() {
			if cl.kind() == t {
				text = c.srv.describeClient(text, cl)
			}
		}
	case len(c.args) > 3 && c.is(2, "ID"):
		for _, word := range c.args[3:] {
			id, ok := parseInt(word)
			if !ok {
				c.fail("ERR Invalid client ID")
				return
			}
			if cl := c.srv.clients.get(id); cl != nil {
				text = c.srv.describeClient(text, cl)
			}
		}
	default:
		c.fail(errSyntax)
		return
	}
	c.w.Verbatim("txt", string(text))
}

// describeClient appends a client's line of CLIENT LIST. Its socket's number is
// not known here: fd is always -1.
func (s *Server) describeClient(to []byte, cl *client) []byte {
	now := time.Now()
	x := cl.s
	in, out := x.Buffers()
	pending, events := 0, "r"
	if out > 0 {
		pending, events = 1, "rw"
	}
	name := "NULL"
	if r := cl.last.Load(); r != nil {
		name = r.full
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	to = fmt.Appendf(to, "id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0",
		x.ID(), x.Remote(), x.Local(), cl.name, seconds(now.Sub(x.Created())), seconds(now.Sub(x.Active())), s.letters(cl))
	to = fmt.Appendf(to, " sub=%d psub=%d ssub=%d multi=%d watch=%d", cl.subs[channelTopic].Load(),
		cl.subs[patternTopic].Load(), cl.subs[shardTopic].Load(), cl.queueN.Load(), cl.watchN.Load())
	to = fmt.Appendf(to, " qbuf=%d qbuf-free=0 argv-mem=0 multi-mem=%d rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d events=%s",
		in, cl.queueMem.Load(), pending, out, in+out+x.Held(), events)
	return fmt.Appendf(to, " cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		name, defaultUser, cl.proto.Load(), cl.libName, cl.libVer)
}

func seconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }

// letters are a client's flags, in Redis's order.
func (s *Server) letters(cl *client) string {
	var b []byte
	add := func(letter byte, on bool) {
		if on {
			b = append(b, letter)
		}
	}
	add('O', cl.marked(markMonitor))
	add('P', cl.kind() == typePubSub)
	add('x', cl.queueN.Load() >= 0)
	add('b', s.pause.holding(cl.s) || s.waits.holding(cl.s.ID()))
	add('U', cl.s.Unix())
	add('e', cl.marked(markNoEvict))
	add('T', cl.marked(markNoTouch))
	if len(b) == 0 {
		return "N"
	}
	return string(b)
}
