package command

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// redisRow is what redis-server says of a command: a line of testdata.
type redisRow struct {
	arity, first, last, step int
	flags, cats, tips        []string
	access                   string
}

func redisRows(t *testing.T) map[string]redisRow {
	t.Helper()
	f, err := os.Open("testdata/redis70.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string]redisRow{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), "#") {
			continue
		}
		var r redisRow
		var name, flags, cats, tips string
		if _, err := fmt.Sscan(sc.Text(), &name, &r.arity, &flags, &r.first, &r.last, &r.step, &cats, &tips, &r.access); err != nil {
			t.Fatalf("%q: %v", sc.Text(), err)
		}
		list := func(s string) []string {
			if s == "-" {
				return nil
			}
			return strings.Split(s, ",")
		}
		r.flags, r.cats, r.tips = list(flags), list(cats), list(tips)
		rows[name] = r
	}
	return rows
}

// intendedDifferences are what rldb's rows say otherwise than redis-server's on
// purpose, and why.
var intendedDifferences = map[string]string{}

// TestTableAgreesWithRedis holds every row that is not our own to what
// redis-server 7.0.15 says of the command.
func TestTableAgreesWithRedis(t *testing.T) {
	redis := redisRows(t)
	table, _ := newTable()
	table.eachRow(func(r *row) {
		want, known := redis[r.full]
		if !known {
			if !r.has(ours) {
				t.Errorf("%s: Redis 7.0 has no such command, and the row does not say that it is ours", r.full)
			}
			return
		}
		if r.has(ours) || intendedDifferences[r.full] != "" {
			return
		}
		var access []string
		for _, s := range r.keySpecs() {
			access = append(access, strings.Join(s.flags, ","))
		}
		got := redisRow{r.arity, r.first, r.last, r.step, r.flagWords(), r.categories(), routingTips(r.full),
			strings.Join(access, ";")}
		if got.access == "" {
			got.access = "-"
		}
		slices.Sort(got.tips)
		slices.Sort(want.tips)
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			t.Errorf("%s (arity, first, last, step, flags, categories, tips, keys)\n got %s\nwant %s", r.full, g, w)
		}
	})
}

// TestRowsAreComplete holds every row to what COMMAND DOCS and redis-cli need.
func TestRowsAreComplete(t *testing.T) {
	table, n := newTable()
	seen := map[int]bool{}
	table.eachRow(func(r *row) {
		seen[r.index] = true
		if r.summary == "" || r.since == "" || r.group == "" {
			t.Errorf("%s has no summary, since or group", r.full)
		}
		if strings.ContainsAny(r.summary+r.complexity, "\r\n") {
			t.Errorf("%s: a text has several lines", r.full)
		}
		args, err := parseSyntax(r.syntax)
		if err != nil {
			t.Errorf("%s: %v", r.full, err)
		}
		named := 0 // key specs that are about keys, not channels
		for _, s := range r.keySpecs() {
			if !slices.Contains(s.flags, "not_key") {
				named++
			}
			if len(s.flags) == 0 || s.index == 0 || s.step == 0 {
				t.Errorf("%s: key spec %+v", r.full, s)
			}
		}
		if keys := countKeys(args); keys > 0 != (named > 0) {
			t.Errorf("%s: %d of its arguments are keys, and it has %d key specs", r.full, keys, named)
		}
	})
	if len(seen) != n {
		t.Errorf("%d rows have %d numbers", n, len(seen))
	}
}

func countKeys(args []argument) int {
	n := 0
	for i := range args {
		if args[i].kind == "key" {
			n++
		}
		n += countKeys(args[i].args)
	}
	return n
}

// TestKeySpecsFindTheKeys compares what the key specs say with the positions
// that dispatch uses.
func TestKeySpecsFindTheKeys(t *testing.T) {
	table, _ := newTable()
	table.eachRow(func(r *row) {
		if !r.keyed() || r.run == nil {
			return
		}
		for n := max(r.arity, -r.arity); n < 9; n++ {
			if !r.arityOK(n) {
				continue
			}
			args := make([][]byte, n)
			for i := range args {
				args[i] = []byte("2")
			}
			pos, ok := r.keyPositions(args, nil)
			if !ok {
				continue
			}
			if found, known := specPositions(r, n); known && !slices.Equal(pos, found) {
				t.Errorf("%s of %d words: keys at %v, by its key specs at %v", r.full, n, pos, found)
			}
		}
	})
}

// specPositions finds keys as a client does that knows the key specs: args are
// n words, all of them "2".
func specPositions(r *row, n int) (pos []int, known bool) {
	for _, s := range r.keySpecs() {
		last, first := s.index+s.last, s.index
		if s.last < 0 {
			last = n + s.last
		}
		if s.counted {
			first, last = s.index+1, s.index+1+s.step
		}
		for i := first; i <= last && i < n; i += s.step {
			pos = append(pos, i)
		}
		known = true
	}
	return pos, known
}

func TestCommandReplies(t *testing.T) {
	const getInfo2 = "*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n" +
		"*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n" +
		"$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n" +
		"$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n"
	const getInfo3 = "*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n~3\r\n+@read\r\n+@string\r\n+@fast\r\n" +
		"~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n" +
		"$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n%3\r\n" +
		"$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n"
	const evalSpec = "*6\r\n$5\r\nflags\r\n*3\r\n+RW\r\n+access\r\n+update\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n" +
		"$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:2\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$6\r\nkeynum\r\n$4\r\nspec\r\n*6\r\n" +
		"$9\r\nkeynumidx\r\n:0\r\n$8\r\nfirstkey\r\n:1\r\n$7\r\nkeystep\r\n:1\r\n"
	arity := func(name string) string { return "-ERR wrong number of arguments for '" + name + "' command\r\n" }
	runAdminCases(t, []adminCase{
		{"COMMAND INFO nosuch GET", "*2\r\n$-1\r\n" + getInfo2, "*2\r\n_\r\n" + getInfo3},
		{"command info config|get config|nosuch config| |", "*4\r\n*10\r\n$10\r\nconfig|get\r\n:-3\r\n*4\r\n+admin\r\n+noscript\r\n" +
			"+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n*3\r\n+@admin\r\n+@slow\r\n+@dangerous\r\n*0\r\n*0\r\n*0\r\n$-1\r\n$-1\r\n$-1\r\n",
			"*4\r\n*10\r\n$10\r\nconfig|get\r\n:-3\r\n~4\r\n+admin\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n~3\r\n" +
				"+@admin\r\n+@slow\r\n+@dangerous\r\n~0\r\n~0\r\n~0\r\n_\r\n_\r\n_\r\n"},
		{"command docs nosuch", "*0\r\n", "%0\r\n"},
		{"command docs config|nosuch get", "*2\r\n" + docsOfGet("*"), "%1\r\n" + docsOfGet("%")},
		{"command count x", arity("command|count"), ""},
		{"command foo", "-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n", ""},
		{"command foo bar", "-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n", ""},
		{"command list filterby", "-ERR syntax error\r\n", ""},
		{"command list filterby module", "-ERR syntax error\r\n", ""},
		{"command list filterby foo bar", "-ERR syntax error\r\n", ""},
		{"command list filterby aclcat scripting extra", "-ERR syntax error\r\n", ""},
		{"command list foo", "-ERR syntax error\r\n", ""},
		{"command list filterby module foo", "*0\r\n", ""},
		{"command list filterby aclcat nosuch", "*0\r\n", ""},
		{"command list FILTERBY ACLCAT Transaction", "*5\r\n$7\r\ndiscard\r\n$4\r\nexec\r\n$5\r\nmulti\r\n$7\r\nunwatch\r\n$5\r\nwatch\r\n", ""},
		{"command list filterby pattern LAST*", "*1\r\n$8\r\nlastsave\r\n", ""},
		{"command list filterby pattern config|re*", "*2\r\n$16\r\nconfig|resetstat\r\n$14\r\nconfig|rewrite\r\n", ""},
		{"command getkeys", arity("command|getkeys"), ""},
		{"command getkeys get", arity("command|getkeys"), ""},
		{"command getkeys get a", "*1\r\n$1\r\na\r\n", ""},
		{"command getkeys get a b", "-ERR Invalid number of arguments specified for command\r\n", ""},
		{"command getkeys ping x", "-ERR The command has no key arguments\r\n", ""},
		{"command getkeys nosuch x", "-ERR Invalid command specified\r\n", ""},
		{"command getkeys config foo", "-ERR Invalid command specified\r\n", ""},
		{"command getkeys config get x", "-ERR The command has no key arguments\r\n", ""},
		{"command getkeys memory usage k", "*1\r\n$1\r\nk\r\n", ""},
		{"command getkeys watch a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", ""},
		{"command getkeys eval x 1 a", "*1\r\n$1\r\na\r\n", ""},
		{"command getkeys eval x 2 a", "*0\r\n", ""},
		{"command getkeys eval x 0 a", "*0\r\n", ""},
		{"command getkeys eval x -1 a", "*0\r\n", ""},
		{"command getkeys eval x abc a", "*0\r\n", ""},
		{"command getkeysandflags get", arity("command|getkeysandflags"), ""},
		{"command getkeysandflags set a b", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n", "*1\r\n*2\r\n$1\r\na\r\n~2\r\n+OW\r\n+update\r\n"},
		{"command getkeysandflags SET a b get", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n",
			"*1\r\n*2\r\n$1\r\na\r\n~3\r\n+RW\r\n+access\r\n+update\r\n"},
		{"command getkeysandflags eval x 1 k", "*1\r\n*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n",
			"*1\r\n*2\r\n$1\r\nk\r\n~3\r\n+RW\r\n+access\r\n+update\r\n"},
	})
	c := startAdminNode(t).dial(2)
	if got := c.do("command", "info", "eval"); !strings.HasSuffix(got, "*1\r\n"+evalSpec+"*0\r\n") ||
		!strings.Contains(got, "*5\r\n+noscript\r\n+stale\r\n+skip_monitor\r\n+no_mandatory_keys\r\n+movablekeys\r\n") {
		t.Errorf("COMMAND INFO eval: %q", got)
	}
}

// docsOfGet is what COMMAND DOCS says of GET, maps being announced by a byte.
func docsOfGet(m string) string {
	table, _ := newTable()
	r := table.byName["get"]
	n := func(pairs int) string {
		if m == "*" {
			pairs *= 2
		}
		return m + strconv.Itoa(pairs) + "\r\n"
	}
	b := func(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }
	return b("get") + n(5) + b("summary") + b(r.summary) + b("since") + b("1.0.0") + b("group") + b("string") +
		b("complexity") + b(r.complexity) + b("arguments") + "*1\r\n" + n(3) + b("name") + b("key") + b("type") + b("key") +
		b("key_spec_index") + ":0\r\n"
}

func TestCommandListsTheWholeTable(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	top := len(n.srv.table.rows)
	if got, want := c.do("command", "count"), ":"+strconv.Itoa(top)+"\r\n"; got != want {
		t.Errorf("COMMAND COUNT: %q, want %q", got, want)
	}
	whole := c.do("command")
	if !strings.HasPrefix(whole, "*"+strconv.Itoa(top)+"\r\n*10\r\n") || whole != c.do("command", "info") {
		t.Errorf("COMMAND: %.60q…", whole)
	}
	var names []string
	n.srv.table.eachRow(func(r *row) { names = append(names, r.full) })
	if got := flatReply(c.do("command", "list")); !slices.Equal(got, names) {
		t.Errorf("COMMAND LIST: %q", got)
	}
	docs := c.do("command", "docs")
	for _, r := range n.srv.table.rows {
		if !strings.Contains(docs, "\r\n"+r.full+"\r\n") {
			t.Errorf("COMMAND DOCS lacks %s", r.full)
		}
	}
}

// TestCategoriesOfRows: the rules by which a row comes to its categories.
func TestCategoriesOfRows(t *testing.T) {
	for _, tc := range []struct {
		row  row
		want string
	}{
		{row{group: "string", flags: readonly | fast, run: cmdGet}, "[read string fast]"},
		{row{group: "generic", flags: write, run: cmdGet, cats: "dangerous"}, "[keyspace write slow dangerous]"},
		{row{group: "generic", flags: noscript, run: cmdGet, cats: "connection"}, "[slow connection]"},
		{row{group: "scripting", flags: readonly, run: cmdGet}, "[slow scripting]"},
		{row{group: "connection", sub: []row{{}}}, "[slow]"},
		{row{group: "server", flags: admin | fast, run: cmdGet, cats: "@keyspace @dangerous"}, "[keyspace admin fast dangerous]"},
		{row{group: "pubsub", flags: pubsub | blocking, run: cmdGet}, "[pubsub slow blocking]"},
	} {
		if got := fmt.Sprint(tc.row.categories()); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.row.flagWords(), got, tc.want)
		}
	}
}
