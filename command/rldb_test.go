package command

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/ring"
)

// contextOf is the context in the reply of RLDB.PUT.
func contextOf(t *testing.T, reply string) string {
	t.Helper()
	_, text, _ := strings.Cut(strings.TrimSuffix(reply, "\r\n"), "\r\n")
	if _, err := record.ParseContext(text); err != nil {
		t.Fatalf("%q is no context", reply)
	}
	return text
}

// shown is what RLDB.GET answers, in RESP2 or 3.
func shown(proto int, context string, values ...[4]string) string {
	head := func(n int) string {
		if proto == 3 {
			return fmt.Sprintf("%%%d\r\n", n)
		}
		return fmt.Sprintf("*%d\r\n", 2*n)
	}
	s := head(2) + bulkOf("context") + bulkOf(context) + bulkOf("values") + fmt.Sprintf("*%d\r\n", len(values))
	for _, v := range values {
		s += head(4) + bulkOf("value") + bulkOf(v[0]) + bulkOf("crc32c") + bulkOf(v[1]) +
			bulkOf("dot") + bulkOf(v[2]) + bulkOf("ttl") + ":" + v[3] + "\r\n"
	}
	return s
}

func TestVersions(t *testing.T) {
	const stale = "-STALE the context has been overtaken by other writes; read the key again\r\n"
	empty := record.Vector(nil).Context()
	for proto := 2; proto <= 3; proto++ {
		n, f, _ := startCopies(t)
		p := n.dial()
		if proto == 3 {
			p = n.dial3()
		}
		one, two := [4]string{"v1", "", "0000000000000abc:1.0", "-1"}, [4]string{"v2", "", "0000000000000abc:2.0", "-1"}
		one[1] = fmt.Sprintf("%08x", record.Checksum([]byte("v1")))
		two[1] = fmt.Sprintf("%08x", record.Checksum([]byte("v2")))
		p.play([]exchange{{"RLDB.GET k", shown(proto, empty)}})
		first := contextOf(t, p.do("RLDB.PUT k v1"))
		p.play([]exchange{{"RLDB.GET k", shown(proto, first, one)}})
		second := contextOf(t, p.do("RLDB.PUT k v2")) // did not see v1
		p.play([]exchange{
			{"RLDB.GET k", shown(proto, second, two, one)}, // the new context covers all
			{"RLDB.PUT k v3 CONTEXT " + first, stale}, {"RLDB.PUT k v3 CONTEXT " + empty, stale},
			{"RLDB.DEL k CONTEXT " + first, ":1\r\n"}, {"RLDB.PUT k v3 context " + second, stale},
		})
		f.said()
		third := p.do("RLDB.GET k")
		if !strings.Contains(third, "v2") || strings.Contains(third, "v1") {
			t.Errorf("after a DEL of v1: %q", third)
		}
		_, all, _ := strings.Cut(third, bulkOf("context"))
		all, _, _ = strings.Cut(all, bulkOf("values"))
		all = contextOf(t, all)
		p.play([]exchange{{"RLDB.DEL k CONTEXT " + all, ":1\r\n"}})
		if got := p.do("RLDB.GET k"); strings.Contains(got, "v2") {
			t.Errorf("after a DEL of all: %q", got)
		}
	}
}

func TestVersionsExpire(t *testing.T) {
	n, f, _ := startCopies(t)
	p := n.dial()
	p.do("RLDB.PUT gone v PXAT 1")
	p.do("RLDB.PUT k v EX 1000")
	got := p.do("RLDB.GET k")
	at := strings.Index(got, bulkOf("ttl"))
	ms, err := strconv.Atoi(strings.Trim(got[at+len(bulkOf("ttl")):], ":\r\n"))
	if err != nil || ms > 1_000_000 || ms < 1_000_000-int(5*time.Minute/time.Millisecond) {
		t.Errorf("ttl is %d, %v", ms, err)
	}
	if got := p.do("RLDB.GET gone"); !strings.HasSuffix(got, bulkOf("values")+"*0\r\n") {
		t.Errorf("an expired value is shown: %q", got)
	}
	f.said()
}

func TestVersionErrors(t *testing.T) {
	n, f, _ := startCopies(t)
	const syntax = "-" + errSyntax + "\r\n"
	broken := []byte(record.Vector{{Actor: 1, HLC: 2}}.Context())
	broken[3] ^= 1
	p := n.dial()
	p.play([]exchange{
		{"RLDB.GET", arityReply("rldb.get")}, {"RLDB.PUT k", arityReply("rldb.put")}, {"RLDB.DEL k", arityReply("rldb.del")},
		{"RLDB.PUT k v CONTEXT", syntax}, {"RLDB.PUT k v NX", syntax}, {"RLDB.PUT k v KEEPTTL", syntax}, {"RLDB.PUT k v EX", syntax},
		{"RLDB.PUT k v EX 1 PX 1", syntax}, {"RLDB.PUT k v CONTEXT x CONTEXT y", syntax}, {"RLDB.DEL k BEFORE x", syntax},
		{"RLDB.PUT k v EX 0", "-ERR invalid expire time in 'rldb.put' command\r\n"}, {"RLDB.PUT k v EX x", "-" + errNotInt + "\r\n"},
		{"RLDB.PUT k v CONTEXT x", "-" + errContext + "\r\n"}, {"RLDB.DEL k CONTEXT " + string(broken), "-" + errContext + "\r\n"},
		{`RLDB.PUT k v CONTEXT ""`, "-" + errContext + "\r\n"},
		{"RLDB.PUT k v CONTEXT " + strings.Repeat("A", record.MaxContext+1), "-" + errContext + "\r\n"},
		{"RLDB.PUT k v CONTEXT " + base64.RawURLEncoding.EncodeToString([]byte("nonsense")), "-" + errContext + "\r\n"},
		{"MULTI", "+OK\r\n"}, {"RLDB.GET k", "-ERR Command not allowed inside a transaction\r\n"},
		{"EXEC", "-" + errExecAbort + "\r\n"},
	})
	if got := f.said(); got != "" {
		t.Errorf("Copies were asked for %q", got)
	}
	n.srv.SetTopology(threeMembers(2, memberB))
	p.play([]exchange{{"RLDB.GET bar", "-MOVED 5061 127.0.0.1:7001\r\n"}})
	if slot := ring.Slot([]byte("bar")); slot != 5061 {
		t.Fatal(slot)
	}

	alone := startNode(t).dial()
	alone.play([]exchange{
		{"RLDB.QUORUM", "*6\r\n$1\r\nn\r\n:1\r\n$1\r\nr\r\n:1\r\n$1\r\nw\r\n:1\r\n"}, {"RLDB.QUORUM 1 1", "+OK\r\n"},
		{"RLDB.QUORUM 2 1", "-ERR R and W must be between 1 and N, which is 1\r\n"}, {"GET k", "$-1\r\n"},
	})
}

func TestVersionRows(t *testing.T) {
	n, _, _ := startCopies(t)
	p := n.dial()
	p.play([]exchange{
		{"COMMAND GETKEYS RLDB.PUT k v CONTEXT c", "*1\r\n$1\r\nk\r\n"}, {"COMMAND GETKEYS RLDB.DEL k CONTEXT c", "*1\r\n$1\r\nk\r\n"},
		{"COMMAND GETKEYS RLDB.GET k", "*1\r\n$1\r\nk\r\n"},
		{"COMMAND GETKEYSANDFLAGS RLDB.PUT k v", "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+OW\r\n+update\r\n"},
	})
	info := p.do("COMMAND INFO rldb.get rldb.put rldb.del rldb.quorum")
	for _, want := range []string{
		"$8\r\nrldb.get\r\n:2\r\n*3\r\n+readonly\r\n+fast\r\n+no_multi\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n",
		"$8\r\nrldb.put\r\n:-3\r\n*3\r\n+write\r\n+denyoom\r\n+no_multi\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@write\r\n+@string\r\n+@slow\r\n",
		"$8\r\nrldb.del\r\n:4\r\n*2\r\n+write\r\n+no_multi\r\n:1\r\n:1\r\n:1\r\n", "$11\r\nrldb.quorum\r\n:-1\r\n",
	} {
		if !strings.Contains(info, want) {
			t.Errorf("COMMAND INFO has no %q: %q", want, info)
		}
	}
	if docs := p.do("COMMAND DOCS rldb.put"); !strings.Contains(docs, bulkOf("CONTEXT")) {
		t.Errorf("COMMAND DOCS is %q", docs)
	}
}

// TestVersionsAlone: a node that stands alone has versions, too.
func TestVersionsAlone(t *testing.T) {
	notByCoordinator(t, "what is deleted leaves a tombstone")
	const stale = "-STALE the context has been overtaken by other writes; read the key again\r\n"
	empty := record.Vector(nil).Context()
	n := startNode(t)
	p := n.dial()
	p.play([]exchange{{"RLDB.GET k", shown(2, empty)}, {"RLDB.DEL k CONTEXT " + empty, ":0\r\n"}, {"DBSIZE", ":0\r\n"}})
	first := contextOf(t, p.do("RLDB.PUT k v1 CONTEXT "+empty))
	p.play([]exchange{
		{"GET k", "$2\r\nv1\r\n"}, {"RLDB.PUT k x CONTEXT " + empty, stale}, {"APPEND k !", ":3\r\n"},
		{"RLDB.PUT k x CONTEXT " + first, stale}, {"GET k", "$3\r\nv1!\r\n"},
	})
	second := contextOf(t, p.do("RLDB.PUT k v2 EX 1000"))
	if got := p.do("RLDB.GET k"); !strings.Contains(got, "v2") || !strings.Contains(got, "v1!") {
		t.Errorf("siblings are %q", got)
	}
	p.play([]exchange{{"GET k", "$2\r\nv2\r\n"}, {"TTL k", ":1000\r\n"}, {"DBSIZE", ":1\r\n"}})
	third := contextOf(t, p.do("RLDB.PUT k v3 CONTEXT "+second))
	p.play([]exchange{
		{"GET k", "$2\r\nv3\r\n"}, {"TTL k", ":-1\r\n"}, {"RLDB.DEL k CONTEXT " + second, ":0\r\n"},
		{"RLDB.DEL k CONTEXT " + third, ":1\r\n"}, {"GET k", "$-1\r\n"}, {"DBSIZE", ":0\r\n"}, {"SET k 1", "+OK\r\n"},
		{"RLDB.PUT k v CONTEXT " + third, stale}, {"INCR k", ":2\r\n"},
	})
	if got := p.do("RLDB.GET k"); !strings.Contains(got, bulkOf("2")) {
		t.Errorf("what INCR wrote is %q", got)
	}
	contextOf(t, p.do("RLDB.PUT k "+strings.Repeat("y", 2*engine.Large)))
	p.play([]exchange{{"STRLEN k", fmt.Sprintf(":%d\r\n", 2*engine.Large)}, {"SET k 1", "+OK\r\n"}, {"GET k", "$1\r\n1\r\n"}})
}

// TestVersionsInAPipeline: what is behind waits, what is before comes first, and a
// large value is not copied more than it must.
func TestVersionsInAPipeline(t *testing.T) {
	n, f, _ := startCopies(t)
	p := n.dial()
	large := strings.Repeat("x", engine.Large+1)
	p.send("SET a 1", "RLDB.PUT k "+large, "RLDB.GET k", "GET a")
	p.want("+OK\r\n")
	contextOf(t, p.read())
	if got := p.read(); !strings.Contains(got, large) {
		t.Errorf("a value of %d bytes is %d bytes", len(large), len(got))
	}
	p.want("$1\r\n1\r\n")
	if got := f.said(); got != "blind a; put k false R0 W0; get k R0 W0; read a" {
		t.Errorf("asked for %q", got)
	}
	info := p.do("INFO commandstats")
	if !strings.Contains(info, "cmdstat_rldb.put:calls=1,") || !strings.Contains(info, "cmdstat_rldb.get:calls=1,") {
		t.Errorf("they are not counted: %q", info)
	}
}
