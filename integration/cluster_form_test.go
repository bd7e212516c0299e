package integration

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestClusterOneByOne: nodes become one cluster by CLUSTER JOIN, and each key is
// found through each node.
func TestClusterOneByOne(t *testing.T) {
	c := newTestCluster(t, 5, clusterOptions{racy: true, more: []string{"--cluster-node-timeout", patient}})
	c.startAll()
	for _, n := range c.nodes {
		c.agree(n) // each is a cluster of its own
	}
	for i, n := range c.nodes[1:3] {
		n.join("JOIN", c.nodes[i].addr())
		n.join("JOIN", c.nodes[0].addr()) // it is a member already
	}
	c.agree(c.nodes[:3]...)
	c.setAndRead(c.nodes[:3], 100)
	if f, err := c.nodes[3].do("CLUSTER", "JOIN", c.nodes[1].addr()); err != nil || !strings.Contains(f.str(), "that cluster holds keys") {
		t.Errorf("joining where keys are is answered with %.300q, %v", f.raw, err)
	}
	for _, n := range c.nodes[:3] {
		n.ask("FLUSHALL")
	}
	for _, n := range c.nodes[3:] { // MEET is another word for it
		n.join("MEET", c.nodes[1].host, strconv.Itoa(c.nodes[1].port))
	}
	took := c.agree(c.nodes...)
	t.Logf("five nodes agree %v after the last joined", took)
	c.setAndRead(c.nodes, 20)
	for _, n := range c.nodes {
		if n.info("cluster_state") != "ok" || n.info("cluster_known_nodes") != "5" {
			t.Errorf("%s: CLUSTER INFO says %s", n.name, n.ask("CLUSTER", "INFO").text)
		}
	}
}

// TestClusterAtOnce: nodes that start at the same moment become one cluster, and
// stay the members that they are when they are started again, one or all, and at
// another address.
func TestClusterAtOnce(t *testing.T) {
	c := startCluster(t, 5, clusterOptions{more: []string{"--cluster-node-timeout", patient, "--engine", "bitcask", "--fsync", "no"}})
	c.setAndRead(c.nodes, 50)
	var ids []string
	for _, n := range c.nodes {
		ids = append(ids, n.id())
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != 5 {
		t.Fatalf("the IDs are %v", ids)
	}
	one := c.nodes[2]
	check := func(what string) {
		t.Helper()
		took := c.agree(c.nodes...)
		t.Logf("%s: agreed after %v", what, took.Round(time.Millisecond))
		var now []string
		for _, n := range c.nodes {
			now = append(now, n.id())
			if known := n.info("cluster_known_nodes"); known != "5" {
				t.Errorf("%s: %s knows %s nodes", what, n.name, known)
			}
		}
		if slices.Sort(now); !slices.Equal(now, ids) {
			t.Errorf("%s: the IDs are %v, and were %v", what, now, ids)
		}
	}

	one.stop()
	one.start()
	check("one was restarted")

	one.stop()
	one.port = clusterPort(t)
	one.start()
	check("one came back at another address")

	for _, n := range c.nodes {
		n.process.kill()
	}
	c.startAll()
	check("all were killed and started")
	var get, want strings.Builder
	for k := range 50 {
		get.WriteString("GET key:0:" + strconv.Itoa(k) + "\n")
		want.WriteString("value:0:" + strconv.Itoa(k) + "\n")
	}
	// While they look what each has, they may answer that they cannot tell.
	eventually(t, agreeLimit, "after all that the keys are there", func() error {
		out, err := c.nodes[4].tryFollow(get.String())
		if err == nil && out != want.String() {
			err = fmt.Errorf("%.300s", out)
		}
		return err
	})
}

// TestClusterDirectory: two nodes cannot share a directory, which holds who they
// are, though the memory engine keeps nothing in it.
func TestClusterDirectory(t *testing.T) {
	n := newNode(t, "first", clusterOptions{})
	n.start()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	second := exec.CommandContext(ctx, n.path, "--cluster", "--port", "0", "--engine", "memory", "--dir", n.dir)
	second.Env = childEnv()
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another node uses the directory") {
		t.Errorf("a second node in the same directory: %v\n%s", err, out)
	}
}
