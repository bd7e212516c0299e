package command

import (
	"math"
	"runtime"
	"strconv"

	"github.com/rldb/rldb/glob"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// scanPage is how many keys are looked at under one hold of a lock.
const scanPage = 256

// keyScan writes the names of keys that match a pattern. They are copied page by
// page, each while its slot is locked, and matched afterwards: what a pattern
// costs, nobody but its client pays.
type keyScan struct {
	srv     *Server
	w       *resp.Writer
	slots   *replica.SlotSet
	now     int64
	wait    bool   // for a disk, if need be
	pattern []byte // nil: every key

	written int
	full    bool // w takes no more: the reply exceeds the client's limit
	names   []byte
	ends    []int // of the names in names
}

// read looks at least at count keys from a cursor on, or at all that are left,
// and returns the cursor to go on from, 0 at the end.
func (s *keyScan) read(from replica.Cursor, count int64) (replica.Cursor, error) {
	for {
		s.names, s.ends = s.names[:0], s.ends[:0]
		next, err := s.srv.store.Scan(s.slots, from, int(min(count, scanPage)), s.now, s.wait, s.visit)
		if err != nil {
			return 0, err
		}
		s.writePage()
		count -= int64(len(s.ends))
		if next == 0 || count <= 0 || s.full || s.srv.background.ended.Load() {
			return next, nil
		}
		from = next
		runtime.Gosched() // a long scan must not starve the connection loops
	}
}

func (s *keyScan) visit(name []byte, _ int64) {
	s.names = append(s.names, name...)
	s.ends = append(s.ends, len(s.names))
}

func (s *keyScan) writePage() {
	from := 0
	for _, end := range s.ends {
		name := s.names[from:end]
		from = end
		if !s.matches(name) {
			continue
		}
		before := s.w.Len()
		s.w.Bulk(name)
		if s.full = s.w.Len() == before; s.full {
			return
		}
		s.written++
	}
}

// matches: to Redis, of all patterns that match every name that has a byte,
// only a single star matches the name that has none.
func (s *keyScan) matches(name []byte) bool {
	if len(name) == 0 {
		return len(s.pattern) == 0 || string(s.pattern) == "*"
	}
	return s.pattern == nil || glob.Match(s.pattern, name)
}

func cmdKeys(c *call) {
	srv, slots, now, pattern := c.srv, c.slots(), c.now, append([]byte{}, c.args[1]...)
	c.away(!srv.large(), func(w *resp.Writer, wait bool) error {
		s := keyScan{srv: srv, w: w, slots: slots, now: now, wait: wait, pattern: pattern}
		mark := w.Len()
		if _, err := s.read(0, math.MaxInt64); err != nil {
			return err
		}
		body := w.Len()
		w.Array(s.written)
		w.Hoist(mark, body)
		return nil
	})
}

func cmdScan(c *call) {
	from, ok := parseCursor(c.args[1])
	if !ok {
		c.fail("ERR invalid cursor")
		return
	}
	o, ok := c.scanOptions()
	if !ok {
		return
	}
	if o.nothing {
		from = uint64(replica.EndCursor)
	}
	srv, slots, now := c.srv, c.slots(), c.now
	c.away(o.count <= manyKeys || !srv.large(), func(w *resp.Writer, wait bool) error {
		s := keyScan{srv: srv, w: w, slots: slots, now: now, wait: wait, pattern: o.pattern}
		mark := w.Len()
		next, err := s.read(replica.Cursor(from), o.count)
		if err != nil {
			return err
		}
		body := w.Len()
		w.Array(2)
		w.BulkString(strconv.FormatUint(uint64(next), 10))
		w.Array(s.written)
		w.Hoist(mark, body)
		return nil
	})
}

// scanOptions are what stands behind SCAN's cursor.
type scanOptions struct {
	count   int64
	pattern []byte // nil: every key
	nothing bool   // keys of a type that there is none of are asked for
}

func (c *call) scanOptions() (o scanOptions, ok bool) {
	o.count = 10
	for i := 2; i < len(c.args); i += 2 {
		switch {
		case i+1 == len(c.args):
			c.fail(errSyntax)
			return o, false
		case c.is(i, "COUNT"):
			if o.count, ok = c.intArg(i + 1); !ok {
				return o, false
			}
			if o.count < 1 {
				c.fail(errSyntax)
				return o, false
			}
		case c.is(i, "MATCH"):
			o.pattern = append([]byte{}, c.args[i+1]...)
		case c.is(i, "TYPE"):
			o.nothing = !equalFold(c.args[i+1], "STRING")
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	return o, true
}

// parseCursor reads a cursor as C's strtoul does, which Redis leaves it to: a
// sign is allowed, a zero byte ends the text, and no text at all is 0.
func parseCursor(b []byte) (uint64, bool) {
	b = beforeNUL(b)
	if len(b) == 0 {
		return 0, true
	}
	sign := b[0]
	if sign == '+' || sign == '-' {
		b = b[1:]
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	if sign == '-' {
		n = -n
	}
	return n, err == nil
}
