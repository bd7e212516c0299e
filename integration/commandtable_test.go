package integration

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A row is what COMMAND tells about one command or subcommand.
type row struct {
	name              string // "get", "config|get"
	arity             int
	flags             []string
	first, last, step string
	container         bool
}

// table reads COMMAND, with the subcommands.
func table(t *testing.T, addr string) map[string]row {
	t.Helper()
	rows := map[string]row{}
	f := mustDial(t, addr).mustDo(t, "COMMAND")
	addRows(t, rows, f.elems)
	return rows
}

func addRows(t *testing.T, rows map[string]row, frames []frame) {
	t.Helper()
	for _, f := range frames {
		if len(f.elems) != 10 {
			t.Fatalf("an entry of COMMAND has %d elements instead of 10: %.300q", len(f.elems), f.raw)
		}
		e := f.elems
		arity, err := strconv.Atoi(e[1].str())
		if err != nil {
			t.Fatalf("arity of %s: %v", e[0].str(), err)
		}
		r := row{name: e[0].str(), arity: arity, first: e[3].str(), last: e[4].str(), step: e[5].str(), container: len(e[9].elems) > 0}
		for _, flag := range e[2].elems {
			r.flags = append(r.flags, flag.str())
		}
		rows[r.name] = r
		addRows(t, rows, e[9].elems)
	}
}

// inBoth are the rows that both servers have, redis-server's and the subject's,
// by name.
func (p *pair) inBoth(t *testing.T) (names []string, ref, sub map[string]row) {
	t.Helper()
	ref, sub = table(t, p.ref), table(t, p.sub)
	for name := range ref {
		if _, ok := sub[name]; ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, ref, sub
}

// testCommandTable compares the rows of COMMAND as far as clients act on them.
func (p *pair) testCommandTable(t *testing.T) {
	names, ref, sub := p.inBoth(t)
	for _, name := range names {
		a, b := ref[name], sub[name]
		if a.arity != b.arity || a.first != b.first || a.last != b.last || a.step != b.step {
			t.Errorf("%s: arity, first, last and step are %d %s %s %s with redis-server and %d %s %s %s", name,
				a.arity, a.first, a.last, a.step, b.arity, b.first, b.last, b.step)
		}
		for _, flag := range []string{"write", "readonly", "denyoom", "movablekeys", "blocking", "pubsub"} {
			if want := slices.Contains(a.flags, flag); want != slices.Contains(b.flags, flag) {
				t.Errorf("%s: flag %s is %v with redis-server and %v", name, flag, want, !want)
			}
		}
	}
	for _, name := range requiredCommands() {
		if _, ok := sub[name]; !ok {
			t.Errorf("COMMAND does not list %s", name)
		}
	}
}

// requiredCommands are those of redis-server 7.0 that rldb must have.
func requiredCommands() []string {
	return strings.Fields(`get set setnx setex psetex getset getdel getex mget mset msetnx append strlen getrange substr
setrange incr decr incrby decrby incrbyfloat del unlink exists touch type expire pexpire expireat pexpireat ttl pttl
expiretime pexpiretime persist rename renamenx copy lcs setbit getbit bitcount bitpos bitop bitfield bitfield_ro
object object|encoding object|refcount object|idletime object|freq object|help multi exec discard watch unwatch
ping echo select swapdb keys scan dbsize flushall flushdb randomkey dump restore wait hello auth quit reset time role
info command command|count command|docs command|info command|list command|getkeys command|getkeysandflags
config config|get config|set config|resetstat config|rewrite client client|id client|info client|list client|kill
client|setname client|getname client|no-evict client|reply client|pause client|unpause client|unblock client|getredir
client|trackinginfo memory memory|usage memory|stats memory|doctor slowlog slowlog|get slowlog|len slowlog|reset
latency latency|latest latency|history latency|reset latency|histogram latency|doctor publish subscribe psubscribe
unsubscribe punsubscribe pubsub pubsub|channels pubsub|numsub pubsub|numpat debug function function|flush monitor
shutdown cluster eval evalsha script`)
}

// testArity sends every command that both have with too few and too many
// arguments.
func (p *pair) testArity(t *testing.T) {
	names, ref, _ := p.inBoth(t)
	var units []unit
	for _, name := range names {
		args := strings.Split(strings.ToUpper(name), "|")
		arity := ref[name].arity
		add := func(n int) {
			for len(args) < n {
				args = append(args, "x")
			}
			units = append(units, one(slices.Clone(args[:n])...))
		}
		least, base := max(arity, -arity), len(args)
		for n := base; n < least; n++ {
			add(n)
		}
		if arity > 0 {
			args = args[:base]
			add(arity + 1)
			add(arity + 3)
		}
	}
	t.Logf("%d commands with a wrong number of arguments", len(units))
	p.playUnits(t, units)
}

// testUnknown sends unknown commands and subcommands of every shape.
func (p *pair) testUnknown(t *testing.T) {
	long := strings.Repeat("long", 50)
	var units []unit
	for _, args := range [][]string{
		{"NOSUCH"}, {"nosuch", "a"}, {"NoSuch", "a", "b", "c"}, {""}, {"", ""}, {"a b"}, {"a\r\nb", "c\r\nd"}, {"\x00"}, {"\xff\xfe", "\x01"},
		{long}, {long, long}, {"x", long}, {"x", long, "y"}, {"x", strings.Repeat("y", 127), "z"}, {"x", strings.Repeat("y", 128), "z"},
		{"x", strings.Repeat("y", 120), "z", "z", "z", "z", "z"}, {"'quoted'", "'a'"}, {"get|set"}, {"config|get", "x"}, {"GET "}, {" GET", "k"},
		{"x", "", "", ""}, {"x", "a\nb\tc"}, append([]string{"x"}, strings.Split(strings.Repeat("y ", 100), " ")...),
		{strings.Repeat("z", 128)}, {strings.Repeat("z", 129)}, {"%s%d%n", "%s"}, {"GET\x00", "k"},
	} {
		units = append(units, one(args...))
	}
	names, ref, sub := p.inBoth(t)
	for _, name := range names {
		if !ref[name].container || !sub[name].container || name == "cluster" {
			continue
		}
		upper := strings.ToUpper(name)
		for _, word := range []string{"NOSUCH", "", "no such", "get|x", long, "a\r\nb", "\x00"} {
			units = append(units, one(upper, word), one(name, word, "x", "y"))
		}
	}
	p.playUnits(t, units)
}

// TestDifferentialCovers checks that the families send every command that both
// servers have; what they leave out stands in differences_test.go.
func TestDifferentialCovers(t *testing.T) {
	p := startPair(t, options{})
	names, _, _ := p.inBoth(t)
	sent := map[string]bool{"quit": true}
	for _, f := range allFamilies() {
		for sequence := range uint64(12) {
			for _, s := range flatten(f.sequence(newGen(1, sequence), perSequence)) {
				sent[strings.ToLower(s.args[0])] = true
				if len(s.args) > 1 {
					sent[strings.ToLower(s.args[0]+"|"+s.args[1])] = true
				}
			}
		}
	}
	without := notSent()
	var missing []string
	for _, name := range names {
		container, _, _ := strings.Cut(name, "|")
		if !sent[name] && without[name] == "" && without[container] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 && subjectIsRedis() {
		t.Logf("redis-server has more commands than rldb will: %d of them are not sent", len(missing))
		missing = slices.DeleteFunc(missing, func(name string) bool { return !slices.Contains(requiredCommands(), name) })
	}
	if len(missing) > 0 {
		t.Errorf("both servers have these commands and no family sends them: %q", missing)
	}
}
