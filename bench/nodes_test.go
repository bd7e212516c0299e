package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

func TestClusterThatDoesNotStart(t *testing.T) {
	path, err := exec.LookPath("false")
	if err != nil {
		t.Skip(err)
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	s := clusterSubject{
		name: "it", primaries: 2,
		node: func(i int, _ []int, _ string) (subject, error) {
			if i == 0 {
				return subject{name: "sleeper", path: sleep, args: func(int) []string { return []string{"3600"} }, patience: ms}, nil
			}
			return subject{name: "failing", path: path, args: func(int) []string { return nil }}, nil
		},
	}
	c := &cluster{clusterSubject: s, gone: map[*server]bool{}}
	ctx, cancel := context.WithTimeout(context.Background(), 200*ms)
	defer cancel()
	ports, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.launch(ctx, t.TempDir(), ports); err == nil {
		t.Error("it started")
	}
	started := c.nodes
	if len(started) != 2 {
		t.Fatalf("%d were started", len(started))
	}
	<-started[1].exited // false ends by itself
	if err := c.end(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("the end gave %v", err)
	}
	for _, srv := range started {
		select {
		case <-srv.exited:
		default:
			t.Errorf("%s still runs", srv.name)
		}
	}
}

func TestClusterNodeKilledOnPurpose(t *testing.T) {
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	c := &cluster{gone: map[*server]bool{}}
	for range 2 {
		srv, err := subject{name: "sleeper", path: path, args: func(int) []string { return []string{"3600"} }}.launch(t.TempDir(), 1)
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, srv)
	}
	if err := c.nodes[1].stopped(); err != nil {
		t.Error(err)
	}
	if err := c.kill(c.nodes[0]); err != nil {
		t.Error(err)
	}
	if err := c.end(); err != nil { // also of one that is paused
		t.Error(err)
	}
}

func TestWhole(t *testing.T) {
	nodes := fakeCluster(t, nil)
	of := func(primaries int, addrs ...string) *cluster {
		c := &cluster{clusterSubject: clusterSubject{primaries: primaries}}
		for _, a := range addrs {
			c.nodes = append(c.nodes, &server{addr: a})
		}
		return c
	}
	wantError(t, whole(of(2, nodes[0].addr, nodes[1].addr)), "")
	wantError(t, whole(of(3, nodes[0].addr, nodes[1].addr)), "2 nodes that serve slots, not 3")
	others := fakeCluster(t, nil)
	wantError(t, whole(of(2, nodes[0].addr, others[0].addr)), "do not agree")
}

func TestOlricConfig(t *testing.T) {
	ports := []int{3001, 3002, 3003}
	if text := olricConfig(0, ports); strings.Contains(text, "peers") || !strings.Contains(text, "bindPort: 3001\n") {
		t.Errorf("the first node:\n%s", text)
	}
	text := olricConfig(2, ports)
	for _, want := range []string{"bindPort: 3003\n", "bindPort: 13003\n", "127.0.0.1:13001", "127.0.0.1:13002", "replicaCount: 3\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the last node lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, `"127.0.0.1:13003"`) {
		t.Error("a node is its own peer")
	}
}
