package command

// flag is a property of a command.
type flag uint32

// The flags that COMMAND shows, then our own.
const (
	write flag = 1 << iota
	readonly
	denyoom
	admin
	pubsub
	noscript
	blocking
	loading
	stale
	skipMonitor
	skipSlowlog
	fast
	noAuth
	noMandatoryKeys
	noAsyncLoading
	noMulti
	movable
	allowBusy

	// blind: the handler does not look at old values, only whether there are
	// any and when they expire. See row.reads for commands that do at times.
	blind
	// anywhere: a command without keys that calls neither the store nor
	// anything that waits, so that it may run within a transaction's turn.
	anywhere
	// queueless: executed at once inside MULTI (EXEC, DISCARD, …).
	queueless
	// subscribed: allowed to a RESP2 client that has subscriptions.
	subscribed
	// unpaused: executed while CLIENT PAUSE holds all commands.
	unpaused
	// mayReplicate: has an effect beyond this node without being a write, so
	// that CLIENT PAUSE WRITE holds it too. On keys (EVAL) it may change them.
	mayReplicate
	// endsMulti: what a client in MULTI may do even if there is no memory left.
	endsMulti
	// ours: not a command of Redis 7.0.
	ours
	// whole: works on the whole record of its key, and not on values in a transaction.
	whole
)

// flagNames are the words that COMMAND INFO shows, in its order.
var flagNames = []struct {
	bit  flag
	name string
}{
	{write, "write"}, {readonly, "readonly"}, {denyoom, "denyoom"}, {admin, "admin"},
	{pubsub, "pubsub"}, {noscript, "noscript"}, {blocking, "blocking"}, {loading, "loading"},
	{stale, "stale"}, {skipMonitor, "skip_monitor"},
	// Redis's scripts tell MONITOR themselves; ours are shown as all commands are.
	{noMandatoryKeys, "skip_monitor"}, {skipSlowlog, "skip_slowlog"}, {fast, "fast"},
	{noAuth, "no_auth"}, {noMandatoryKeys, "no_mandatory_keys"}, {noAsyncLoading, "no_async_loading"},
	{noMulti, "no_multi"}, {movable, "movablekeys"}, {allowBusy, "allow_busy"},
}

// handler executes one command.
type handler func(c *call)

// row is everything that is known of one command.
type row struct {
	name  string // lower case; a subcommand has only its own word here
	arity int    // words, the name's included; -n: at least n
	flags flag
	// Positions of keys among the words: first, last (negative: from the
	// end), step; first 0 means no keys. keys overrides them where they
	// depend on the words.
	first, last, step int
	keys              keysFunc
	access            string // what becomes of the keys: "RO access", "RW access update", …
	// reads says, of a blind command, whether these words make it look at old
	// values after all; nil: no words do.
	reads func(args [][]byte) bool
	// unread says, of a write, whether with these words it looks at nothing that is
	// there, not even at whether there is anything; nil: it always looks.
	unread func(args [][]byte) bool
	// grows is, of a command that may make a value much longer than its words
	// are, how many bytes long these words make it at least; nil: none does.
	grows func(args [][]byte) int64
	run   handler
	// after is what a command on keys does in its session's turn once that of
	// its keys, in which run was called, is over: run must not touch the client.
	after handler
	sub   []row

	// Documentation, in our own words. syntax is read by COMMAND DOCS: see
	// docs.go for its grammar.
	group      string
	since      string
	complexity string
	summary    string
	syntax     string
	cats       string // ACL categories beyond those that follow from the flags

	// Filled in by newTable.
	full   string // "config|get"
	index  int
	parent *row
	table  *table // of subcommands
}

// keysFunc appends the positions of the keys among args; ok is false if args
// cannot be understood.
type keysFunc func(args [][]byte, pos []int) (_ []int, ok bool)

// has says whether the row has all of some flags.
func (r *row) has(f flag) bool { return r.flags&f == f }

// blindTo says whether the command, with these words, does without old values.
func (r *row) blindTo(args [][]byte) bool {
	return r.has(blind) && (r.reads == nil || !r.reads(args))
}

// unreadBy says whether the command, with these words, is a blind write.
func (r *row) unreadBy(args [][]byte) bool { return r.unread != nil && r.unread(args) }

// onValues says whether the command is a transaction on the values of its keys.
func (r *row) onValues() bool { return r.keyed() && !r.has(whole) }

// any says whether the row has one of some flags.
func (r *row) any(f flag) bool { return r.flags&f != 0 }

// notKey is the access of words that route as keys do but name none: channels.
const notKey = "not_key"

// keyed says whether the command's words can name keys.
func (r *row) keyed() bool { return (r.first != 0 || r.keys != nil) && r.access != notKey }

// arityOK says whether a command of n words is well formed.
func (r *row) arityOK(n int) bool {
	if r.arity < 0 {
		return n >= -r.arity
	}
	return n == r.arity
}

// keyPositions appends the positions of the keys among args. It is called only
// with as many words as the arity asks for.
func (r *row) keyPositions(args [][]byte, pos []int) ([]int, bool) {
	if r.keys != nil {
		return r.keys(args, pos)
	}
	if r.first == 0 {
		return pos, true
	}
	last := r.last
	if last < 0 {
		last += len(args)
	}
	for i := r.first; i <= last && i < len(args); i += r.step {
		pos = append(pos, i)
	}
	return pos, true
}

// numKeysAt is the keysFunc of commands that say how many keys follow.
func numKeysAt(at int) keysFunc {
	return func(args [][]byte, pos []int) ([]int, bool) {
		if at >= len(args) {
			return pos, false
		}
		n, ok := parseInt(args[at])
		if !ok || n < 0 || n > int64(len(args)-at-1) {
			return pos, false
		}
		for i := range int(n) {
			pos = append(pos, at+1+i)
		}
		return pos, true
	}
}
