package integration

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// manageLimit is for redis-cli --cluster: to look for slots with several owners it asks
// 16384 times for each node.
const manageLimit = 5 * toolLimit

// manage runs redis-cli --cluster, which must succeed.
func manage(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := toolWithin(t, manageLimit, nil, "redis-cli", append([]string{"--cluster"}, args...)...)
	if err != nil || strings.Contains(out, "[ERR]") || strings.Contains(out, "[WARNING]") {
		t.Fatalf("redis-cli --cluster %q: %v\n%s%s", args, err, out, errs)
	}
	return out
}

// TestClusterManager: redis-cli --cluster looks at a cluster, and adds a node.
func TestClusterManager(t *testing.T) {
	more := []string{"--cluster-node-timeout", patient}
	c := startCluster(t, 3, clusterOptions{more: more})
	c.setAndRead(c.nodes, 20)
	want := func(what, out string, patterns ...string) {
		t.Helper()
		for _, p := range patterns {
			if !regexp.MustCompile(p).MatchString(out) {
				t.Errorf("%s does not say %s:\n%s", what, p, out)
			}
		}
	}
	const agree, covered = `\[OK\] All nodes agree about slots configuration\.`, `\[OK\] All 16384 slots covered\.`
	for _, n := range c.nodes {
		want("check", manage(t, "check", n.addr()), agree, covered, `\[OK\] 60 keys in 3 masters\.`)
	}
	at := c.nodes[0].addr()
	want("check for owners", manage(t, "check", at, "--cluster-search-multiple-owners"), agree, covered, `Check for multiple slot owners\.\.\.`)
	out := manage(t, "info", at)
	want("info", out, `\[OK\] 60 keys in 3 masters\.`)
	for _, n := range c.nodes {
		want("info", out, regexp.QuoteMeta(n.addr())+` \(\w{8}\.\.\.\) -> \d+ keys \| \d+ slots \| 0 slaves\.`)
	}
	out = manage(t, "call", at, "PING")
	for _, n := range c.nodes {
		want("call", out, regexp.QuoteMeta(n.addr())+`: PONG`)
	}

	added := newNode(t, "added", clusterOptions{more: more})
	added.start()
	c.agree(added)
	c.nodes[0].ask("FLUSHALL")
	c.nodes[1].ask("FLUSHALL")
	c.nodes[2].ask("FLUSHALL")
	want("add-node", manage(t, "add-node", added.addr(), at), `\[OK\] New node added correctly\.`)
	c.nodes = append(c.nodes, added)
	c.agree(c.nodes...)
	want("check of four", manage(t, "check", added.addr()), agree, covered, `\[OK\] 0 keys in 4 masters\.`)
	c.setAndRead(c.nodes, 20)

	out, _, err := tool(t, nil, "redis-cli", "--cluster", "fix", at)
	if err != nil || !strings.Contains(out, "All 16384 slots covered") {
		t.Errorf("there is something to fix: %v\n%s", err, out)
	}
	for _, cmd := range []string{"ADDSLOTS 1", "SETSLOT 1 STABLE", "REPLICATE " + added.id(), "FAILOVER", "FLUSHSLOTS", "BUMPEPOCH"} {
		f, err := added.do(append([]string{"CLUSTER"}, strings.Fields(cmd)...)...)
		if err != nil || f.str() != "ERR slots are assigned by the ring; use CLUSTER MEET|FORGET" {
			t.Errorf("CLUSTER %s is answered with %q, %v", cmd, f.raw, err)
		}
	}
}

// TestClusterBenchmark: redis-benchmark --cluster comes to its end.
func TestClusterBenchmark(t *testing.T) {
	c := startCluster(t, 3, clusterOptions{racy: true, more: []string{"--cluster-node-timeout", patient}})
	n := c.nodes[1]
	requests := "20000"
	if soak() {
		requests = "500000"
	}
	for _, depth := range []string{"1", "16"} {
		out, errs, err := tool(t, nil, "redis-benchmark", "--cluster", "-h", n.host, "-p", strconv.Itoa(n.port),
			"-t", "set,get", "-n", requests, "-c", "20", "-P", depth, "-d", "64", "-r", "1000", "-q")
		if err != nil || !strings.Contains(out, "Cluster has 3 master nodes") ||
			!strings.Contains(out, "SET: ") || !strings.Contains(out, "GET: ") || strings.Contains(out+errs, "rror") {
			t.Fatalf("depth %s: %v\n%s%s", depth, err, out, errs)
		}
		t.Logf("depth %s:\n%s", depth, lastLines(out))
	}
	total := 0
	for _, n := range c.nodes {
		size, err := strconv.Atoi(n.ask("DBSIZE").str())
		must(t, err)
		if size == 0 {
			t.Errorf("%s was not sent anything", n.name)
		}
		total += size
	}
	if total == 0 {
		t.Error("nothing is there")
	}
	t.Log(fmt.Sprint(total, " keys"))
}

// lastLines are the results that redis-benchmark -q shows, without its progress.
func lastLines(out string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(out, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if strings.Contains(line, "requests per second") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
