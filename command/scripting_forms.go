package command

import (
	"crypto/sha1"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"sync"
)

// A form is a script that runs natively. What stands in the text is Lua as
// clients send it; canonical takes away what does not matter.
type form struct {
	text string
	run  func(x *scriptRun)
}

// knownForms are the scripts of COMPAT section 7: those of locks and counters.
func knownForms() []form {
	const held = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call("
	const heldLocal = "local v = redis.call('get', KEYS[1]) if v == ARGV[1] then return redis.call("
	const notHeld = "local v = redis.call('get', KEYS[1]) if not v or v ~= ARGV[1] then return 0 end "
	const elseNo = ") else return 0 end"
	del := func(x *scriptRun) { x.ifHeld((*scriptRun).del) }
	pexpire := func(x *scriptRun) { x.ifHeld(func(x *scriptRun) { x.expire("pexpire", x.arg(2), 1) }) }
	expire := func(x *scriptRun) { x.ifHeld(func(x *scriptRun) { x.expire("expire", x.arg(2), 1) }) }
	return []form{
		{held + "'del', KEYS[1]" + elseNo, del},
		{heldLocal + "'del', KEYS[1]" + elseNo, del},
		{heldLocal + "'del', KEYS[1]) elseif v == false then return -1 else return 0 end", releaseOrGone},
		{notHeld + "redis.call('del', KEYS[1]) return 1", del},
		{held + "'pexpire', KEYS[1], ARGV[2]" + elseNo, pexpire},
		{heldLocal + "'pexpire', KEYS[1], ARGV[2]" + elseNo, pexpire},
		{notHeld + "redis.call('pexpire', KEYS[1], ARGV[2]) return 1", pexpire},
		{held + "'expire', KEYS[1], ARGV[2]" + elseNo, expire},
		{heldLocal + "'expire', KEYS[1], ARGV[2]" + elseNo, expire},
		{notHeld + "redis.call('expire', KEYS[1], ARGV[2]) return 1", expire},
		{notHeld + "local e = redis.call('pttl', KEYS[1]) if not e then e = 0 end if e < 0 then return 0 end " +
			"local n = ARGV[2] if ARGV[3] == '0' then n = ARGV[2] + e end redis.call('pexpire', KEYS[1], n) return 1", extend},
		{"local n = redis.call('exists', KEYS[1]) if n == 1 then return redis.call('incrby', KEYS[1], ARGV[1]) " +
			"else return false end", addToExisting},
	}
}

// script is a text that was recognised.
type script struct {
	sha   string
	form  *form
	calls []int // the lines of its redis.call
}

const (
	shaLen = 40
	// maxScript is the longest text that is looked at; all known ones are short.
	maxScript = 4 << 10
	// maxScripts bounds the cache. A client whose script is forgotten is told
	// NOSCRIPT, and sends the text again.
	maxScripts = 1000
)

// scriptCache finds scripts by their SHA-1, as EVALSHA names them.
type scriptCache struct {
	mu    sync.RWMutex // guards what follows
	forms map[string]*form
	known map[string]*script
}

func (c *scriptCache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.known)
}

func (c *scriptCache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
}

func (c *scriptCache) find(sha []byte) *script {
	if len(sha) != shaLen {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[strings.ToLower(string(sha))]
}

// learn recognises a script and keeps it; nil for one that is not known.
func (c *scriptCache) learn(text []byte) *script {
	if len(text) > maxScript {
		return nil
	}
	sum := sha1.Sum(text)
	sha := hex.EncodeToString(sum[:])
	if s := c.find([]byte(sha)); s != nil {
		return s
	}
	plain, calls, ok := canonical(text)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forms == nil {
		c.forms = canonicalForms()
	}
	f := c.forms[plain]
	if f == nil {
		return nil
	}
	if c.known == nil || len(c.known) >= maxScripts {
		c.known = map[string]*script{}
	}
	s := &script{sha, f, calls}
	c.known[sha] = s
	return s
}

func canonicalForms() map[string]*form {
	all := knownForms()
	forms := make(map[string]*form, len(all))
	for i := range all {
		text, _, _ := canonical([]byte(all[i].text))
		forms[text] = &all[i]
	}
	return forms
}

// scriptRun is one run of a script, in the turn of its keys.
type scriptRun struct {
	*call
	script *script
	nkeys  int
}

func (s *script) run(c *call, nkeys int) {
	x := scriptRun{c, s, nkeys}
	if nkeys == 0 {
		x.failAt(0, errLuaArgument) // KEYS[1] is nil
		return
	}
	s.form.run(&x)
}

const errLuaArgument = "ERR Lua redis lib command arguments must be strings or integers"

// failAt replies an error of the script's i-th redis.call.
func (x *scriptRun) failAt(i int, text string) {
	x.fail(text + " script: " + x.script.sha + ", on @user_script:" + strconv.Itoa(x.script.calls[i]) + ".")
}

// arg is ARGV[n], nil if there is none.
func (x *scriptRun) arg(n int) []byte {
	if i := 2 + x.nkeys + n; i < len(x.args) {
		return x.args[i]
	}
	return nil
}

// mayChange says whether call i may write, as scripts of EVAL_RO may not.
func (x *scriptRun) mayChange(i int) bool {
	if x.row.has(readonly) {
		x.failAt(i, "ERR Write commands are not allowed from read-only scripts.")
		return false
	}
	return true
}

// held says whether KEYS[1] has the value ARGV[1].
func (x *scriptRun) held() bool {
	v, ok := x.get(0)
	token := x.arg(1)
	return ok && token != nil && string(v) == string(token)
}

// ifHeld does something if KEYS[1] has the value ARGV[1], and otherwise answers 0.
func (x *scriptRun) ifHeld(do func(*scriptRun)) {
	if !x.held() {
		x.w.Int(0)
		return
	}
	do(x)
}

func (x *scriptRun) del() {
	if x.mayChange(1) {
		x.call.del(0)
		x.w.Int(1)
	}
}

// releaseOrGone tells a lock that is somebody else's, 0, from none, -1.
func releaseOrGone(x *scriptRun) {
	if _, ok := x.get(0); !ok {
		x.w.Int(-1)
		return
	}
	x.ifHeld((*scriptRun).del)
}

// expire sets the expiry of KEYS[1], which exists, by the script's i-th call.
func (x *scriptRun) expire(command string, after []byte, i int) {
	if after == nil {
		x.failAt(i, errLuaArgument)
		return
	}
	if !x.mayChange(i) {
		return
	}
	n, ok := parseInt(after)
	if !ok {
		x.failAt(i, errNotInt)
		return
	}
	if command == "expire" {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			x.failAt(i, "ERR invalid expire time in 'expire' command")
			return
		}
		n *= 1000
	}
	if n > math.MaxInt64-x.now {
		x.failAt(i, "ERR invalid expire time in '"+command+"' command")
		return
	}
	if n <= 0 {
		x.call.del(0)
	} else {
		v, _ := x.get(0)
		x.set(0, v, x.now+n)
	}
	x.w.Int(1)
}

// extend is redis-py's Lock.extend: it adds to the time that is left, or sets it.
func extend(x *scriptRun) {
	if !x.held() || x.expireAt(0) == 0 {
		x.w.Int(0)
		return
	}
	after := x.arg(2)
	if how := x.arg(3); after != nil && how != nil && string(how) == "0" {
		n, ok := parseInt(after)
		if !ok || n > 1<<53 || n < -1<<53 { // what Lua's numbers cannot hold
			x.failAt(2, errNotInt)
			return
		}
		after = strconv.AppendInt(nil, n+x.expireAt(0)-x.now, 10)
	}
	x.expire("pexpire", after, 2)
}

// addToExisting is the INCR of django-redis. Since it never makes a key, it may
// run above maxmemory.
func addToExisting(x *scriptRun) {
	old, ok := x.get(0)
	if !ok {
		x.w.Null()
		return
	}
	by := x.arg(1)
	if by == nil {
		x.failAt(1, errLuaArgument)
		return
	}
	if !x.mayChange(1) {
		return
	}
	n, isInt := parseInt(old)
	add, addIsInt := parseInt(by)
	switch {
	case !isInt || !addIsInt:
		x.failAt(1, errNotInt)
		return
	case add > 0 && n > math.MaxInt64-add || add < 0 && n < math.MinInt64-add:
		x.failAt(1, errOverflow)
		return
	}
	n += add
	x.set(0, strconv.AppendInt(x.scratch(20)[:0], n, 10), x.expireAt(0))
	x.w.Int(throughLua(n))
}

// throughLua is an integer after it was a number of Lua's, which has 53 bits.
func throughLua(n int64) int64 {
	const exact = 1 << 53
	if n >= -exact && n <= exact || n > math.MaxInt64-1024 {
		return n
	}
	return int64(float64(n))
}
