package command

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Scripts as clients send them: the text of the libraries' constants.
const (
	luaPlainRelease = `if redis.call("get",KEYS[1]) == ARGV[1] then
    return redis.call("del",KEYS[1])
else
    return 0
end`
	luaRedsyncRelease = `
	local val = redis.call("GET", KEYS[1])
	if val == ARGV[1] then
		return redis.call("DEL", KEYS[1])
	elseif val == false then
		return -1
	else
		return 0
	end
`
	luaRedisPyRelease = `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('del', KEYS[1])
        return 1
    `
	luaRedisPyReacquire = `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('pexpire', KEYS[1], ARGV[2])
        return 1
    `
	luaRedisPyExtend = `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        local expiration = redis.call('pttl', KEYS[1])
        if not expiration then
            expiration = 0
        end
        if expiration < 0 then
            return 0
        end

        local newttl = ARGV[2]
        if ARGV[3] == "0" then
            newttl = ARGV[2] + expiration
        end
        redis.call('pexpire', KEYS[1], newttl)
        return 1
    `
	luaRedsyncTouch = `
	if redis.call("GET", KEYS[1]) == ARGV[1] then
		return redis.call("PEXPIRE", KEYS[1], ARGV[2])
	else
		return 0
	end
`
	luaExpire     = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) else return 0 end;"
	luaDjangoIncr = `
            local exists = redis.call('EXISTS', KEYS[1])
            if (exists == 1) then
                return redis.call('INCRBY', KEYS[1], ARGV[1])
            else return false end
            `
)

func luaSHA(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestRedisPyHashes: the texts above are what the library sends.
func TestRedisPyHashes(t *testing.T) {
	for text, sha := range map[string]string{
		luaRedisPyRelease:   "c3f8721cbb97f72bc19e972846bd7aaf91901658",
		luaRedisPyReacquire: "1cac51482acf5858da00f6d685d68f886cd6b6b2",
	} {
		if got := luaSHA(text); got != sha {
			t.Errorf("the hash is %s, not %s, of %s", got, sha, text)
		}
	}
}

// scriptCase runs a script by EVAL and, a second time with the same data, by
// EVALSHA.
type scriptCase struct {
	script, args string
	before       string // the value of k, "" for none
	ttl          bool   // k expires, in 100 s
	want         string // %s is the script's hash
	after        string // k's value then, "" for none
	pttl         int64  // k's expiry then: 0 none, else at most this many ms, and at least a minute less
}

func TestScripts(t *testing.T) {
	const (
		luaArg  = "-ERR Lua redis lib command arguments must be strings or integers script: %s, on @user_script:"
		notInt  = "-ERR value is not an integer or out of range script: %s, on @user_script:"
		invalid = "-ERR invalid expire time in '%s' command script: %%s, on @user_script:"
	)
	cases := []scriptCase{
		{luaPlainRelease, "1 k v", "v", false, ":1\r\n", "", 0},
		{luaPlainRelease, "1 k v", "w", false, ":0\r\n", "w", 0},
		{luaPlainRelease, "1 k v", "", false, ":0\r\n", "", 0},
		{luaPlainRelease, "1 k", "v", false, ":0\r\n", "v", 0},
		{luaPlainRelease, "2 k {k}j v", "v", false, ":1\r\n", "", 0},
		{luaPlainRelease, "0 k v", "v", false, luaArg + "1.\r\n", "v", 0},
		{luaRedsyncRelease, "1 k v", "v", true, ":1\r\n", "", 0},
		{luaRedsyncRelease, "1 k v", "w", true, ":0\r\n", "w", 100_000},
		{luaRedsyncRelease, "1 k v", "", false, ":-1\r\n", "", 0},
		{luaRedsyncRelease, "0", "", false, luaArg + "2.\r\n", "", 0},
		{luaRedisPyRelease, "1 k v", "v", false, ":1\r\n", "", 0},
		{luaRedisPyRelease, "1 k v", "w", false, ":0\r\n", "w", 0},
		{luaRedisPyReacquire, "1 k v 200000", "v", false, ":1\r\n", "v", 200_000},
		{luaRedisPyReacquire, "1 k v 200000", "w", false, ":0\r\n", "w", 0},
		{luaRedisPyReacquire, "1 k v 1.5", "v", false, notInt + "6.\r\n", "v", 0},
		{luaRedsyncTouch, "1 k v 200000", "v", true, ":1\r\n", "v", 200_000},
		{luaRedsyncTouch, "1 k v", "v", false, luaArg + "3.\r\n", "v", 0},
		{luaRedsyncTouch, "1 k v 9223372036854775807", "v", false, fmt.Sprintf(invalid, "pexpire") + "3.\r\n", "v", 0},
		{luaRedsyncTouch, "1 k v -1", "v", false, ":1\r\n", "", 0},
		{luaRedsyncTouch, "1 k v 0", "v", false, ":1\r\n", "", 0},
		{luaExpire, "1 k v 200", "v", false, ":1\r\n", "v", 200_000},
		{luaExpire, "1 k v 9223372036854775", "v", false, fmt.Sprintf(invalid, "expire") + "1.\r\n", "v", 0},
		{luaExpire, "1 k v 9223372036854775807", "v", false, fmt.Sprintf(invalid, "expire") + "1.\r\n", "v", 0},
		{luaExpire, "1 k v -9223372036854775807", "v", false, fmt.Sprintf(invalid, "expire") + "1.\r\n", "v", 0},
		{luaRedisPyExtend, "1 k v 200000 1", "v", true, ":1\r\n", "v", 200_000},
		{luaRedisPyExtend, "1 k v 200000 0", "v", true, ":1\r\n", "v", 300_000},
		{luaRedisPyExtend, "1 k v 200000 0", "v", false, ":0\r\n", "v", 0},
		{luaRedisPyExtend, "1 k v 200000 0", "w", true, ":0\r\n", "w", 100_000},
		{luaRedisPyExtend, "1 k v 9223372036854775807 0", "v", true, notInt + "18.\r\n", "v", 100_000},
		{luaDjangoIncr, "1 k 5", "10", true, ":15\r\n", "15", 100_000},
		{luaDjangoIncr, "1 k -5", "3", false, ":-2\r\n", "-2", 0},
		{luaDjangoIncr, "1 k 5", "v", false, notInt + "4.\r\n", "v", 0},
		{luaDjangoIncr, "1 k 1.5", "1", false, notInt + "4.\r\n", "1", 0},
		{luaDjangoIncr, "1 k", "1", false, luaArg + "4.\r\n", "1", 0},
		{luaDjangoIncr, "1 k 5", "9223372036854775807", false,
			"-ERR increment or decrement would overflow script: %s, on @user_script:4.\r\n", "9223372036854775807", 0},
		// Lua's numbers have 53 bits: the reply is rounded, the value is not.
		{luaDjangoIncr, "1 k 2", "9007199254740993", false, ":9007199254740996\r\n", "9007199254740995", 0},
	}
	for _, proto := range []int{2, 3} {
		c := startAdminNode(t).dial(proto)
		for _, tc := range cases {
			want := strings.ReplaceAll(tc.want, "%s", luaSHA(tc.script))
			for _, how := range [][]string{{"EVAL", tc.script}, {"EVALSHA", strings.ToUpper(luaSHA(tc.script))}} {
				tc.prepare(c)
				if got := c.do(append(how, adminWords(tc.args)...)...); got != want {
					t.Errorf("RESP%d %s %s %s\n got %q\nwant %q", proto, how[0], tc.script, tc.args, got, want)
				}
				tc.check(t, c)
			}
		}
		if got := c.do("EVAL", luaDjangoIncr, "1", "nosuch", "5"); got != map[int]string{2: "$-1\r\n", 3: "_\r\n"}[proto] {
			t.Errorf("RESP%d: INCR of a key that does not exist: %q", proto, got)
		}
	}
}

// prepare sets k with the commands that there are.
func (tc *scriptCase) prepare(c *adminClient) {
	c.do("SET", "k", "lock")
	c.do("EVAL", luaPlainRelease, "1", "k", "lock")
	if tc.before != "" {
		c.do("SET", "k", tc.before)
	}
	if tc.ttl {
		c.do("EVAL", luaRedsyncTouch, "1", "k", tc.before, "100000")
	}
}

func (tc *scriptCase) check(t *testing.T, c *adminClient) {
	t.Helper()
	want := "$" + fmt.Sprint(len(tc.after)) + "\r\n" + tc.after + "\r\n"
	got := c.do("GET", "k")
	if tc.after == "" {
		if got != "$-1\r\n" && got != "_\r\n" {
			t.Errorf("%s %s leaves %q", tc.script, tc.args, got)
		}
		return
	}
	if got != want {
		t.Errorf("%s %s leaves %q, want %q", tc.script, tc.args, got, want)
	}
	var ttl string
	for line := range strings.SplitSeq(c.text("INFO", "keyspace"), "\r\n") {
		if _, found, ok := strings.Cut(line, "avg_ttl="); ok {
			ttl = found
		}
	}
	var ms int64
	fmt.Sscan(ttl, &ms)
	if ms > tc.pttl || ms < tc.pttl-60_000 || (ms == 0) != (tc.pttl == 0) {
		t.Errorf("%s %s: expires in %d ms, want %d", tc.script, tc.args, ms, tc.pttl)
	}
}

func TestScriptErrors(t *testing.T) {
	const unsupported = "-" + errScripting + "\r\n"
	const noScript = "-NOSCRIPT No matching script. Please use EVAL.\r\n"
	zeros := strings.Repeat("0", 40)
	runAdminCases(t, []adminCase{
		{"eval x", arityReply("eval"), ""},
		{"eval x 1", "-ERR Number of keys can't be greater than number of args\r\n", ""},
		{"eval x -1", "-ERR Number of keys can't be negative\r\n", ""},
		{"eval x abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"eval x 2 a", "-ERR Number of keys can't be greater than number of args\r\n", ""},
		{"eval x 0", unsupported, ""},
		{"eval_ro x 1 a", unsupported, ""},
		{"evalsha abc 0", noScript, ""},
		{"evalsha abc abc", noScript, ""},
		{"evalsha_ro abc 0", noScript, ""},
		{"evalsha " + zeros + " abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"evalsha " + zeros + " 2 a", "-ERR Number of keys can't be greater than number of args\r\n", ""},
		{"evalsha " + zeros + " 0", noScript, ""},
		{"script", arityReply("script"), ""},
		{"script foo", "-ERR unknown subcommand 'foo'. Try SCRIPT HELP.\r\n", ""},
		{"script load x", unsupported, ""},
		{"script exists", arityReply("script|exists"), ""},
		{"script exists " + zeros + " abc", "*2\r\n:0\r\n:0\r\n", ""},
		{"script flush", "+OK\r\n", ""},
		{"script flush ASYNC", "+OK\r\n", ""},
		{"script flush foo", "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n", ""},
		{"script flush sync x", "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n", ""},
		{"script kill", "-NOTBUSY No scripts in execution right now.\r\n", ""},
		{"script debug no", "+OK\r\n", ""},
		{"script debug yes", "-ERR scripts cannot be debugged\r\n", ""},
		{"script debug foo", "-ERR Use SCRIPT DEBUG YES/SYNC/NO\r\n", ""},
		{"function list", "*0\r\n", ""},
		{"function list withcode libraryname x", "*0\r\n", ""},
		{"function list libraryname", "-ERR library name argument was not given\r\n", ""},
		{"function list withcode withcode", "-ERR Unknown argument withcode\r\n", ""},
		{"function list libraryname a libraryname b", "-ERR Unknown argument libraryname\r\n", ""},
		{"function stats", "*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n*4\r\n$15\r\nlibraries_count\r\n:0\r\n" +
			"$15\r\nfunctions_count\r\n:0\r\n",
			"%2\r\n$14\r\nrunning_script\r\n_\r\n$7\r\nengines\r\n%1\r\n$3\r\nLUA\r\n%2\r\n$15\r\nlibraries_count\r\n:0\r\n" +
				"$15\r\nfunctions_count\r\n:0\r\n"},
		{"function flush", "+OK\r\n", ""},
		{"function flush Sync", "+OK\r\n", ""},
		{"function flush foo", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n", ""},
		{"function Flush sync async", "-ERR unknown subcommand or wrong number of arguments for 'Flush'. Try FUNCTION HELP.\r\n", ""},
		{"function kill", "-NOTBUSY No scripts in execution right now.\r\n", ""},
		{"function delete x", "-ERR Library not found\r\n", ""},
		{"function dump", "-ERR functions are not supported: rldb has no scripting language\r\n", ""},
		{"function load x", "-ERR functions are not supported: rldb has no scripting language\r\n", ""},
		{"function restore x", "-ERR functions are not supported: rldb has no scripting language\r\n", ""},
		{"function foo", "-ERR unknown subcommand 'foo'. Try FUNCTION HELP.\r\n", ""},
		{"fcall x 0", "-ERR Function not found\r\n", ""},
		{"fcall x abc", "-ERR Function not found\r\n", ""},
		{"fcall_ro x 1 k", "-ERR Function not found\r\n", ""},
	})
}

// TestReadOnlyScripts: EVAL_RO runs a script up to where it would write.
func TestReadOnlyScripts(t *testing.T) {
	c := startAdminNode(t).dial(2)
	c.do("SET", "k", "v")
	c.do("SET", "n", "1")
	refused := func(text string, line int) string {
		return fmt.Sprintf("-ERR Write commands are not allowed from read-only scripts. script: %s, on @user_script:%d.\r\n", luaSHA(text), line)
	}
	for _, tc := range []struct{ script, key, args, want string }{
		{luaPlainRelease, "k", "x", ":0\r\n"},
		{luaPlainRelease, "k", "v", refused(luaPlainRelease, 2)},
		{luaRedsyncRelease, "nosuch", "v", ":-1\r\n"},
		{luaRedsyncTouch, "k", "v 100", refused(luaRedsyncTouch, 3)},
		{luaRedisPyExtend, "k", "v 100 0", ":0\r\n"},
		{luaDjangoIncr, "n", "5", refused(luaDjangoIncr, 4)},
		{luaDjangoIncr, "nosuch", "5", "$-1\r\n"},
	} {
		words := append([]string{"EVAL_RO", tc.script, "1", tc.key}, strings.Fields(tc.args)...)
		if got := c.do(words...); got != tc.want {
			t.Errorf("%q: %q, want %q", words, got, tc.want)
		}
		words[0], words[1] = "EVALSHA_RO", luaSHA(tc.script)
		if got := c.do(words...); got != tc.want {
			t.Errorf("%q: %q, want %q", words, got, tc.want)
		}
	}
	if got := c.do("GET", "k") + c.do("GET", "n"); got != "$1\r\nv\r\n$1\r\n1\r\n" {
		t.Errorf("the values have become %q", got)
	}
}

// TestScriptCache: LOAD and EVAL make a script known, FLUSH makes it unknown,
// and it holds no more than so many.
func TestScriptCache(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	a, b := luaSHA(luaPlainRelease), luaSHA(luaExpire)
	if got := c.do("EVALSHA", a, "1", "k", "v"); !strings.HasPrefix(got, "-NOSCRIPT ") {
		t.Errorf("before anything: %q", got)
	}
	if got := c.text("SCRIPT", "LOAD", luaPlainRelease); got != a {
		t.Errorf("SCRIPT LOAD: %q, want %q", got, a)
	}
	c.do("EVAL", luaExpire, "1", "k", "v", "1")
	if got := c.do("SCRIPT", "EXISTS", a, strings.ToUpper(b), strings.Repeat("0", 40)); got != "*3\r\n:1\r\n:1\r\n:0\r\n" {
		t.Errorf("SCRIPT EXISTS: %q", got)
	}
	if got := c.text("INFO", "memory"); !strings.Contains(got, "\r\nnumber_of_cached_scripts:2\r\n") {
		t.Errorf("INFO: %q", got)
	}
	c.do("SCRIPT", "FLUSH")
	if got := c.do("SCRIPT", "EXISTS", a, b); got != "*2\r\n:0\r\n:0\r\n" {
		t.Errorf("SCRIPT EXISTS after FLUSH: %q", got)
	}
	cache := &n.srv.admin.scripts
	for i := range 3 * maxScripts {
		if cache.learn([]byte(strings.Repeat(" ", i)+luaPlainRelease)) == nil {
			t.Fatalf("%d spaces before a script make it unknown", i)
		}
		if cache.len() > maxScripts {
			t.Fatalf("%d scripts are kept", cache.len())
		}
	}
	if cache.learn([]byte(strings.Repeat(" ", maxScript)+luaPlainRelease)) != nil {
		t.Error("a script may be longer than maxScript")
	}
}

// TestScriptInTransaction: EVAL is part of what EXEC does at once.
func TestScriptInTransaction(t *testing.T) {
	c := startAdminNode(t).dial(2)
	c.do("SET", "k", "v")
	c.do("MULTI")
	c.do("EVAL", luaPlainRelease, "1", "k", "v")
	c.do("GET", "k")
	c.do("EVAL", luaPlainRelease, "1", "k", "v")
	if got := c.do("EXEC"); got != "*3\r\n:1\r\n$-1\r\n:0\r\n" {
		t.Errorf("EXEC: %q", got)
	}
}

// TestCanonical: what does not matter to a script, and what does.
func TestCanonical(t *testing.T) {
	same := [][2]string{
		{luaPlainRelease, `if (redis.call('GET', KEYS[1]) == ARGV[1]) then return redis.call('Del', KEYS[1]); else return 0; end -- done`},
		{luaRedisPyRelease, "local x=redis.call(\"get\",KEYS[1])\nif not x or x~=ARGV[1] then return 0 end redis.call(\"DEL\",KEYS[1]) return 1"},
	}
	for _, pair := range same {
		a, _, ok1 := canonical([]byte(pair[0]))
		b, _, ok2 := canonical([]byte(pair[1]))
		if !ok1 || !ok2 || a != b {
			t.Errorf("%q\n%q", a, b)
		}
	}
	var cache scriptCache
	for _, other := range []string{
		"", "return 1", "x", "--", "--[[ a", `"`, `'`, "\x00", "redis.call('get'",
		strings.Replace(luaPlainRelease, "==", "~=", 1),
		strings.Replace(luaPlainRelease, "KEYS[1]", "KEYS[2]", 1),
		strings.Replace(luaPlainRelease, "ARGV[1]", "'ARGV[1]'", 1),
		strings.Replace(luaPlainRelease, "return 0", "return 1", 1),
		strings.Replace(luaPlainRelease, `"get"`, `"getdel"`, 1),
		strings.Replace(luaPlainRelease, `redis.call("get"`, `redis.pcall("get"`, 1),
		strings.Replace(luaPlainRelease, `"get",KEYS[1]`, `"get' , KEYS [ 1 ] "`, 1),
		strings.Replace(luaRedisPyRelease, "token ~=", "@0 ~=", 1),
		strings.Replace(luaRedisPyRelease, "not token", "not tokens", 1),
		"local redis = redis " + luaPlainRelease,
		luaPlainRelease + " return 1", "#!lua\n" + luaPlainRelease,
	} {
		if s := cache.learn([]byte(other)); s != nil {
			t.Errorf("%q is taken for %q", other, s.form.text)
		}
	}
}

// TestCanonicalNeverPanics: no script brings the reader down.
func TestCanonicalNeverPanics(t *testing.T) {
	part := rapid.SampledFrom(strings.Split(`if |(|)|then |local |x|redis.call(|redis|.|call|'a'|"b"|'|==|~=|;|--|`+"\n"+`| |KEYS[1]|end|0|`, "|"))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 30).Draw(t, "text"), "")
		plain, calls, ok := canonical([]byte(text))
		if !ok && (plain != "" || calls != nil) {
			t.Fatalf("%q is refused with %q, %d", text, plain, calls)
		}
		if len(calls) > strings.Count(text, "call") {
			t.Fatalf("%q has %d calls", text, len(calls))
		}
	})
}
