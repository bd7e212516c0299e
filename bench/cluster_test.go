package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestClusterTarget(t *testing.T) {
	for _, c := range []struct {
		depth int
		peer  string
		want  target
	}{
		{1, redisClusterName, target{ratioAtLeast, 0.6}},
		{16, redisClusterName, target{ratioAtLeast, 0.6}},
		{64, redisClusterName, target{}},
		{16, redisClusterName + besideWaitEach, target{ratioAtLeast, 2}},
		{16, redisClusterName + besideWaitLast, target{}},
		{64, redisClusterName + besideWaitEach, target{}},
		{1, olricName, target{ratioAtLeast, 5}},
	} {
		if got := clusterTarget(c.depth, c.peer); got != c.want {
			t.Errorf("depth %d, %s: %v, want %v", c.depth, c.peer, got, c.want)
		}
	}
}

// testSeries is a series of one rldb beside Redis Cluster and, if asked, Olric.
func testSeries(b *bench, olric bool) *clusterSeries {
	s := &clusterSeries{own: b.rldbClusters(), peer: b.redisCluster(0), points: collection{}, notes: map[pointsOf][]string{}}
	if olric {
		s.olric = olricCluster("olric-server")
	}
	return s
}

func TestClusterRuns(t *testing.T) {
	b := &bench{opt: options{rldbArgs: [][]string{nil}, tests: []string{"SET", "GET", "INCR"}}}
	s := testSeries(b, false)
	for _, c := range []struct {
		subject string
		depth   int
		want    []clusterRun
	}{
		{"rldb", 16, []clusterRun{{loadSet, noWait}, {loadGet, noWait}, {loadBoth, noWait}}},
		{redisClusterName, 1, []clusterRun{
			{loadSet, noWait}, {loadSet, waitEach}, {loadGet, noWait}, {loadBoth, noWait}, {loadBoth, waitEach},
		}},
		{redisClusterName, 16, []clusterRun{
			{loadSet, noWait}, {loadSet, waitEach}, {loadSet, waitAtTheEnd}, {loadGet, noWait},
			{loadBoth, noWait}, {loadBoth, waitEach}, {loadBoth, waitAtTheEnd},
		}},
	} {
		if got := s.runs(b, c.subject, c.depth); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s, depth %d: %v, want %v", c.subject, c.depth, got, c.want)
		}
	}
	b.opt.tests = []string{"GET"}
	if got := s.runs(b, redisClusterName, 16); !reflect.DeepEqual(got, []clusterRun{{loadGet, noWait}}) {
		t.Errorf("with -tests get: %v", got)
	}
}

func TestClusterRows(t *testing.T) {
	b := &bench{opt: options{rldbArgs: [][]string{nil, {"--engine", "lsm"}}, tests: []string{"SET", "GET"}}}
	s := testSeries(b, true)
	file := func(subject, name string, v float64, notes ...string) {
		s.file(1, subject, reading{values: map[string]float64{name: v}, notes: notes}, true)
	}
	file("rldb", "SET, depth 1", 30)
	file(redisClusterName, "SET, depth 1", 40)
	file(redisClusterName+besideWaitEach, "SET, depth 1", 10, "a note")
	file(olricName, "SET, depth 1", 5)
	s.file(2, "rldb", reading{values: map[string]float64{"SET, depth 1": 1e6}}, false) // disturbed
	found := 0
	for _, r := range s.rows(b, 1) {
		r.conclude()
		if r.Name != "SET, depth 1" || r.Subject != "rldb" {
			continue
		}
		found++
		want := map[string]summary{
			redisClusterName: {0.75, 0.75, 0.75, 1}, redisClusterName + besideWaitEach: {3, 3, 3, 1}, olricName: {6, 6, 6, 1},
		}
		if r.Ratio != want[r.Peer] || r.Verdict != "ok" {
			t.Errorf("beside %s: %+v, %s", r.Peer, r.Ratio, r.Verdict)
		}
		if slices.Contains(r.Notes, "a note") != strings.HasSuffix(r.Peer, besideWaitEach) {
			t.Errorf("beside %s: notes %q", r.Peer, r.Notes)
		}
	}
	if found != 3 {
		t.Errorf("the row is there %d times, want 3", found)
	}
}

func TestClusterSubjects(t *testing.T) {
	b := &bench{opt: options{rldbArgs: [][]string{nil, {"--engine", "bitcask"}}}}
	own := b.rldbClusters()
	if len(own) != 2 || own[0].name != "rldb" || own[1].name != "rldb --engine bitcask" {
		t.Fatalf("the subjects are %v", own)
	}
	ports := []int{3001, 3002, 3003}
	for i, engine := range []string{"memory", "bitcask"} {
		s, err := own[i].node(1, ports, "/data")
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Join(s.args(3002), " ")
		for _, want := range []string{"--port 3002", "--n 3 --r 2 --w 2", "--join 127.0.0.1:3001,127.0.0.1:3002,127.0.0.1:3003", "--engine " + engine, "--dir /data"} {
			if strings.Count(line, want) != 1 {
				t.Errorf("%s is started with %s, without %s", own[i].name, line, want)
			}
		}
	}
	for ms, want := range map[int]string{0: redisClusterName, 2000: redisClusterName + " (node timeout 2000 ms)"} {
		c := b.redisCluster(ms)
		s, err := c.node(0, ports, "/data")
		if err != nil || c.name != want || s.name != want {
			t.Errorf("%q, %v, want %q", c.name, err, want)
		}
		if line := strings.Join(s.args(3001), " "); strings.Contains(line, "--cluster-node-timeout 2000") != (ms > 0) || !strings.Contains(line, "--cluster-enabled yes") {
			t.Errorf("it is started with %s", line)
		}
	}
}

func TestDrawn(t *testing.T) {
	for keys, want := range map[int]int{1: slots, slots: slots, 100_000: 6 * slots} {
		b := &bench{opt: options{clusterKeys: keys}}
		if got := b.drawn(); got != want {
			t.Errorf("of %d keys redis-benchmark draws %d, want %d", keys, got, want)
		}
	}
}
