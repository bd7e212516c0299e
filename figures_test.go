package main

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/metrics"
)

// TestMetricsOfANode: what a client does shows in /metrics.
func TestMetricsOfANode(t *testing.T) {
	cfg, err := conf.Load(conf.Sources{Args: []string{"--port", "0"}, Dir: t.TempDir(), Memory: func() int64 { return 1 << 30 }})
	if err != nil {
		t.Fatal(err)
	}
	n, err := start(cfg, slog.New(slog.DiscardHandler), new(slog.LevelVar), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	c, err := net.Dial("tcp", n.addrs[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "SET k v\r\nGET k\r\nGET\r\n")
	r := bufio.NewReader(c)
	for range 4 {
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprint(c, "PING\r\n") // once it answers, the commands before it are counted
	if line, err := r.ReadString('\n'); err != nil || line != "+PONG\r\n" {
		t.Fatal(line, err)
	}
	w := httptest.NewRecorder()
	metrics.Handler(n).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`rldb_commands_total{cmd="get"} 1`, `rldb_commands_rejected_total{cmd="get"} 1`, `rldb_commands_total{cmd="set"} 1`,
		`rldb_command_duration_seconds_count{cmd="set"} 1`, `rldb_error_replies_total{code="ERR"} 1`,
		"rldb_keyspace_hits_total 1", "rldb_connected_clients 1", "rldb_connections_total 1", "rldb_keys 1",
		`redis_version="7.2.4",engine="bitcask"`,
	} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	if strings.Contains(w.Body.String(), "rldb_catching_up") {
		t.Error("a node that stands alone has figures of replication")
	}
}

func TestMetricsOfANodeOfACluster(t *testing.T) {
	cfg, err := conf.Load(conf.Sources{
		Args: []string{"--cluster", "--port", "0"}, Dir: t.TempDir(), Memory: func() int64 { return 1 << 30 },
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := start(cfg, slog.New(slog.DiscardHandler), new(slog.LevelVar), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	w := httptest.NewRecorder()
	metrics.Handler(n).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{"rldb_hints 0", `rldb_quorum_failures_total{code="NOQUORUM"} 0`, "rldb_catching_up "} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
