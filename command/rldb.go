package command

import (
	"fmt"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// rldbRows are the commands that show what other commands resolve by themselves: that a
// key may have several values, which were written without knowing of each other.
func rldbRows() []row {
	const life = "[expiration(EX=seconds:integer|PX=milliseconds:integer|EXAT=unix-time-seconds:unix-time|PXAT=unix-time-milliseconds:unix-time)]"
	const flags = whole | noMulti | ours
	return []row{
		{name: "rldb.get", arity: 2, flags: flags | readonly | fast, first: 1, last: 1, step: 1, access: "RO access", run: cmdRldbGet,
			group: "string", since: "7.0.0", complexity: "O(N) with N values.", syntax: "key", cats: "string",
			summary: "Gives all values of a key, and the context by which RLDB.PUT and RLDB.DEL know that they were seen."},
		{name: "rldb.put", arity: -3, flags: flags | write | denyoom, first: 1, last: 1, step: 1, access: "OW update", run: cmdRldbPut,
			group: "string", since: "7.0.0", complexity: "O(1)", syntax: "key value [CONTEXT=context] " + life, cats: "string",
			summary: "Gives a key a value in the place of those that the context has seen, and answers the new context."},
		{name: "rldb.del", arity: 4, flags: flags | write, first: 1, last: 1, step: 1, access: "RW delete", run: cmdRldbDel,
			group: "string", since: "7.0.0", complexity: "O(1)", syntax: "key CONTEXT=context", cats: "string",
			summary: "Removes the values of a key that the context has seen, and answers how many there were."},
		{name: "rldb.quorum", arity: -1, flags: noMulti | ours | loading | stale | fast | anywhere, run: cmdRldbQuorum,
			group: "connection", since: "7.0.0", complexity: "O(1)", syntax: "[r:integer w:integer]", cats: "connection",
			summary: "Shows, or sets for this connection, how many copies a read and a write need."},
	}
}

const errContext = "ERR not a context: it must be what RLDB.GET or RLDB.PUT has answered, unchanged"

// apart is a command on a whole record, which is carried out while the connection loop
// goes on; the client's next command waits for it. It has copies of its words, or
// keeps the session's input.
type apart struct {
	call        call
	key         engine.Key
	later       *resp.Later
	kept        *resp.Kept
	began, over time.Time
	changed     int64 // keys
}

// begin has a command go on apart.
func (c *call) begin() *apart {
	x := &apart{call: *c, began: c.wk.now()}
	if c.s.Input() >= engine.Large && wordBytes(c.args) >= engine.Large {
		x.kept = c.s.Keep()
	}
	if x.kept == nil {
		_, x.call.args = copyWords(nil, nil, c.args)
	} else {
		x.call.args = append([][]byte(nil), c.args...)
	}
	x.key = replica.KeyOf(x.call.args[1])
	x.later = c.s.Later(true)
	x.later.Then(x.finish)
	x.call.w = x.later.Writer()
	c.pending = true
	c.srv.inFlight.Add(1)
	return x
}

// follow is what follows the copies of what the command writes.
func (c *call) follow() *coordinator.Written {
	if c.srv.copies == nil {
		return nil
	}
	return c.cl.writes()
}

// done replies, on any goroutine: an error if there is one.
func (x *apart) done(err error, reply func(w *resp.Writer)) {
	srv := x.call.srv
	if err != nil {
		x.call.fail(storeError(err))
	} else {
		reply(x.call.w)
	}
	x.over = time.Now()
	if x.kept != nil {
		x.kept.Release()
	}
	x.later.Done()
	srv.inFlight.Done()
}

// finish is what is left to do in the session's turn.
func (x *apart) finish() bool {
	wk := x.call.wk
	wk.begin()
	wk.changed += x.changed
	wk.executed(&x.call, x.over.Sub(x.began), 0)
	if x.kept != nil {
		x.call.s.Forget(x.kept)
	}
	return true
}

func cmdRldbGet(c *call) {
	x := c.begin()
	c.srv.records.Get(x.key, c.cl.quorum, func(got coordinator.Got) {
		x.done(got.Err, func(w *resp.Writer) { x.call.values(&got.Record) })
	})
}

// values replies a record: its context, and the values that have not expired, the one
// that GET answers first.
func (c *call) values(of *record.Whole) {
	live := 0
	for i := range of.Values {
		live += bit(!of.Values[i].Expired(c.now))
	}
	c.w.Map(2)
	c.w.BulkString("context")
	c.w.BulkString(of.Vector.Context())
	c.w.BulkString("values")
	c.w.Array(live)
	for i := range of.Values {
		if v := &of.Values[i]; !v.Expired(c.now) {
			c.writeValue(v)
		}
	}
	if live > 0 {
		c.hits = 1
	} else {
		c.misses = 1
	}
}

func (c *call) writeValue(v *record.Value) {
	ttl := int64(-1)
	if v.ExpireAt != 0 {
		ttl = v.ExpireAt - c.now
	}
	c.w.Map(4)
	c.w.BulkString("value")
	c.w.Bulk(v.Value)
	c.w.BulkString("crc32c")
	c.w.BulkString(fmt.Sprintf("%08x", v.CRC))
	c.w.BulkString("dot")
	c.w.BulkString(dotText(v.Dot))
	c.w.BulkString("ttl")
	c.w.Int(ttl)
}

// dotText is a dot as people are shown it: who wrote, the Unix milliseconds, and the
// counter within those.
func dotText(d record.Dot) string {
	return fmt.Sprintf("%016x:%d.%d", d.Actor, d.HLC.Milli(), uint16(d.HLC))
}

// context reads a word that is one; else the error is replied.
func (c *call) context(i int) (v record.Vector, ok bool) {
	v, err := record.ParseContext(string(c.args[i]))
	if err != nil {
		c.fail(errContext)
		return nil, false
	}
	return v, true
}

func cmdRldbPut(c *call) {
	var life lifetime
	at := 0 // of the context
	for i := 3; i < len(c.args); {
		n := 0
		switch {
		case c.is(i, "CONTEXT") && at == 0 && i+1 < len(c.args):
			at, n = i+1, 2
		case isExpiryWord(c.args[i]):
			n = life.take(c, i)
		}
		if n == 0 {
			c.fail(errSyntax)
			return
		}
		i += n
	}
	expireAt, ok := life.end(c)
	if !ok {
		return
	}
	var seen record.Vector
	if at != 0 {
		if seen, ok = c.context(at); !ok {
			return
		}
	}
	x := c.begin()
	c.srv.records.Put(x.key, seen, at != 0, x.call.args[2], expireAt, c.cl.quorum, c.follow(), func(v record.Vector, err error) {
		x.changed = int64(bit(err == nil))
		x.done(err, func(w *resp.Writer) { w.BulkString(v.Context()) })
	})
}

func cmdRldbDel(c *call) {
	if !c.is(2, "CONTEXT") {
		c.fail(errSyntax)
		return
	}
	seen, ok := c.context(3)
	if !ok {
		return
	}
	x := c.begin()
	c.srv.records.Delete(x.key, seen, c.cl.quorum, c.follow(), func(removed int, err error) {
		x.changed = int64(bit(removed > 0))
		x.done(err, func(w *resp.Writer) { w.Int(int64(removed)) })
	})
}

// cmdRldbQuorum shows the connection's quorums, with the number of owners, or sets them.
func cmdRldbQuorum(c *call) {
	q, own := c.srv.quorums, &c.cl.quorum
	switch len(c.args) {
	case 1:
		if own.R != 0 {
			q.R, q.W = own.R, own.W
		}
		c.w.Map(3)
		for _, x := range []struct {
			name string
			n    int
		}{{"n", q.N}, {"r", q.R}, {"w", q.W}} {
			c.w.BulkString(x.name)
			c.w.Int(int64(x.n))
		}
	case 3:
		r, okR := parseInt(c.args[1])
		w, okW := parseInt(c.args[2])
		if !okR || !okW || r < 1 || w < 1 || r > int64(q.N) || w > int64(q.N) {
			c.fail(fmt.Sprintf("ERR R and W must be between 1 and N, which is %d", q.N))
			return
		}
		*own = coordinator.Quorum{R: int(r), W: int(w)}
		c.w.OK()
	default:
		c.arityError()
	}
}
