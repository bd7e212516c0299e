package command

import (
	"strconv"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// call is one command being executed: what a handler works with. A worker
// reuses it; nothing in it outlives the handler, arguments least of all.
//
// A command on keys has its handler run in the turn of its keys (the call is
// the transaction's step). There, get, set and del speak of the command's
// keys by their order among its arguments: the first key is 0.
type call struct {
	w    *resp.Writer
	args [][]byte // args[0] is the name
	row  *row
	s    *resp.Session
	cl   *client
	wk   *worker
	srv  *Server
	now  int64 // Unix ms, by the clock that judges expiry
	wall time.Time
	view *Topology // by which all of the command is decided; nil: this node stands alone

	key    engine.Key   // the only key, if that is known already: see ahead
	txn    *replica.Txn // of the keys
	keys   []int        // number in txn of the command's i-th key
	pos    []int        // scratch: positions of keys among args
	failed bool         // an error was replied
	ended  bool         // an EXEC that is refused has ended its transaction already
	inExec bool         // part of an EXEC: must not promise a reply
	exec   *exec        // that EXEC

	// pending: the command goes on in the session's later turns. Who set that
	// sees to what execute does at a command's end.
	pending  bool
	versions []watch // what WATCH has found

	hits, misses int32 // keys that a readonly command found, or not
}

// get is the value of the command's i-th key.
func (c *call) get(i int) (data []byte, ok bool) { return c.txn.Get(c.keys[i]) }

// exists says whether the i-th key has a value.
func (c *call) exists(i int) bool { return c.txn.Exists(c.keys[i]) }

// expireAt is when the i-th key expires, Unix ms; 0: never.
func (c *call) expireAt(i int) int64 { return c.txn.ExpireAt(c.keys[i]) }

// set gives the i-th key a value; see replica.Txn.Set for who may own data.
func (c *call) set(i int, data []byte, expireAt int64) { c.txn.Set(c.keys[i], data, expireAt) }

// del removes the i-th key.
func (c *call) del(i int) { c.txn.Delete(c.keys[i]) }

// scratch is memory that lives as long as a value that is set needs it.
func (c *call) scratch(n int) []byte { return c.txn.Scratch(n) }

// fail replies an error. text begins with its code.
func (c *call) fail(text string) {
	c.failed = true
	c.w.Error(text)
}

// The errors that many commands share; the texts are Redis's.
const (
	errSyntax   = "ERR syntax error"
	errNotInt   = "ERR value is not an integer or out of range"
	errNotFloat = "ERR value is not a valid float"
	errOverflow = "ERR increment or decrement would overflow"
	errNoKey    = "ERR no such key"
	errTooLong  = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	errOffset   = "ERR offset is out of range"
	errOOM      = "OOM command not allowed when used memory > 'maxmemory'."
)

func (c *call) arityError() {
	c.fail("ERR wrong number of arguments for '" + c.row.full + "' command")
}

// intArg is argument i as an integer; where it is none, the error is replied.
func (c *call) intArg(i int) (int64, bool) {
	n, ok := parseInt(c.args[i])
	if !ok {
		c.fail(errNotInt)
	}
	return n, ok
}

// is says whether argument i is a word, in any case. word is in upper case.
func (c *call) is(i int, word string) bool { return equalFold(c.args[i], word) }

// equalFold compares bytes with an upper-case ASCII word, in any case.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		ch := b[i]
		if ch >= 'a' && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		if ch != word[i] {
			return false
		}
	}
	return true
}

// parseInt reads a 64-bit integer as strictly as Redis does: no plus sign, no
// spaces, no leading zeros, no "-0".
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	if len(b) == 1 && b[0] == '0' {
		return 0, true
	}
	i := 0
	if b[0] == '-' {
		i = 1
	}
	if i == len(b) || b[i] < '1' || b[i] > '9' {
		return 0, false
	}
	if len(b) > 18 {
		n, err := strconv.ParseInt(string(b), 10, 64)
		return n, err == nil
	}
	var n int64
	for _, ch := range b[i:] {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = n*10 + int64(ch-'0')
	}
	if i == 1 {
		n = -n
	}
	return n, true
}
