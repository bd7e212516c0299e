package command

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// infoOf reads INFO's text: titles in order, fields by name.
func infoOf(t *testing.T, text string) (titles []string, fields map[string]string) {
	t.Helper()
	fields = map[string]string{}
	if text != "" && !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Fatalf("lines do not end in CR LF: %q", text)
	}
	for i, section := range strings.Split(text, "\r\n\r\n") {
		for j, line := range strings.Split(strings.TrimSuffix(section, "\r\n"), "\r\n") {
			if title, ok := strings.CutPrefix(line, "# "); ok != (j == 0) {
				t.Fatalf("section %d: %q", i, section)
			} else if ok {
				titles = append(titles, title)
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if _, doubled := fields[name]; !ok || doubled {
				t.Fatalf("line %q is no field, or doubled", line)
			}
			fields[name] = value
		}
	}
	return titles, fields
}

func TestInfoSections(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	c.do("set", "k", "v") // so that there is a keyspace
	const usual = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace"
	const all = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace"
	for words, want := range map[string]string{
		"info":                       usual,
		"INFO DEFAULT":               usual,
		"info default nosuch":        usual,
		"info all":                   all,
		"info Everything":            all,
		"info commandstats default":  strings.Replace(usual, "Errorstats", "Commandstats Errorstats", 1),
		"info cpu Server SERVER":     "Server CPU",
		"info modules":               "Modules",
		"info latencystats keyspace": "Latencystats Keyspace",
	} {
		titles, _ := infoOf(t, c.text(strings.Fields(words)...))
		if got := strings.Join(titles, " "); got != want {
			t.Errorf("%s has sections %s, want %s", words, got, want)
		}
	}
	if got := c.do("info", "nosuch"); got != "$0\r\n\r\n" {
		t.Errorf("INFO nosuch: %q", got)
	}
	c3 := n.dial(3)
	if got := c3.do("info", "modules"); got != "=15\r\ntxt:# Modules\r\n\r\n" {
		t.Errorf("INFO modules in RESP3: %q", got)
	}
	if got := c3.do("info", ""); got != "=4\r\ntxt:\r\n" {
		t.Errorf("INFO '' in RESP3: %q", got)
	}
}

// TestInfoFields: what tools read is there (COMPAT 4.7), and says what is so.
func TestInfoFields(t *testing.T) {
	n := startAdminNode(t, func(s *Settings) { s.MaxMemory = 1 << 30 })
	c := n.dial(2)
	c.do("set", "k", "v")
	c.do("set", "lock", "v")
	c.do("eval", luaExpire, "1", "lock", "v", "100")
	c.do("nosuch")
	_, f := infoOf(t, c.text("info", "everything"))
	for name, want := range map[string]string{
		"redis_version": `7\.2\.4`, "rldb_version": `0\.0\.1`, "rldb_engine": "memory", "redis_mode": "standalone", "os": `\w+ \w+`,
		"arch_bits": "64|32", "process_id": strconv.Itoa(os.Getpid()), "run_id": "[0-9a-f]{40}", "tcp_port": "7777",
		"uptime_in_seconds": `\d`, "uptime_in_days": "0", "hz": "10", "config_file": "/etc/rldb.json", "executable": ".+",
		"connected_clients": "1", "maxclients": "10000", "blocked_clients": "0", "tracking_clients": "0",
		"client_recent_max_input_buffer": `\d+`, "client_recent_max_output_buffer": `\d+`,
		"used_memory": `[1-9]\d*`, "used_memory_human": `\d+(\.\d\d)?[BKM]`, "used_memory_rss": `[1-9]\d{6,}`,
		"used_memory_peak": `[1-9]\d*`, "used_memory_lua": "0", "used_memory_overhead": `\d+`, "used_memory_dataset": `[1-9]\d*`,
		"maxmemory": "1073741824", "maxmemory_human": `1\.00G`, "maxmemory_policy": "noeviction", "mem_fragmentation_ratio": `\d+\.\d\d`,
		"number_of_cached_scripts": "1", "mem_allocator": "go", "used_memory_peak_perc": `\d+\.\d\d%`,
		"loading": "0", "rdb_changes_since_last_save": "3", "rdb_bgsave_in_progress": "0", "rdb_last_save_time": `\d{10}`,
		"rdb_last_bgsave_status": "ok", "aof_enabled": "0", "aof_rewrite_in_progress": "0", "aof_last_write_status": "ok",
		"total_connections_received": "1", "total_commands_processed": "3", "instantaneous_ops_per_sec": `\d+`,
		"total_net_input_bytes": `[1-9]\d*`, "total_net_output_bytes": `[1-9]\d*`, "instantaneous_input_kbps": `\d+\.\d\d`,
		"instantaneous_output_kbps": `\d+\.\d\d`, "rejected_connections": "0", "expired_keys": "0", "evicted_keys": "0",
		"keyspace_hits": "0", "keyspace_misses": "0", "pubsub_channels": "0", "pubsub_patterns": "0", "total_error_replies": "1",
		"role": "master", "connected_slaves": "0", "master_replid": "[0-9a-f]{40}", "master_repl_offset": "0",
		"used_cpu_sys": `\d+\.\d{6}`, "used_cpu_user": `\d+\.\d{6}`, "cluster_enabled": "0",
		"db0":                          `keys=2,expires=1,avg_ttl=(100000|9\d{4})`,
		"cmdstat_set":                  `calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0`,
		"latency_percentiles_usec_set": `p50=\d+\.\d{3},p99=\d+\.\d{3},p99.9=\d+\.\d{3}`, "errorstat_ERR": "count=1",
	} {
		if value, ok := f[name]; !ok || !regexp.MustCompile("^("+want+")$").MatchString(value) {
			t.Errorf("%s is %q (there: %v), want %s", name, value, ok, want)
		}
	}
}

// TestInfoStatFirstMatch: redis-cli --stat takes the first occurrence of these
// texts anywhere in INFO.
func TestInfoStatFirstMatch(t *testing.T) {
	c := startAdminNode(t).dial(2)
	c.do("set", "k", "v")
	text := c.text("info")
	for _, name := range strings.Fields("db0:keys used_memory connected_clients blocked_clients total_commands_processed " +
		"total_connections_received bgsave_in_progress aof_rewrite_in_progress loading") {
		i := strings.Index(text, name)
		rest := text[i+len(name):]
		if i < 0 || rest[0] != ':' && rest[0] != '=' {
			t.Errorf("the first %q is followed by %.20q", name, rest)
		}
	}
}

// TestInfoCounts: commands, errors, hits and misses are counted as they happen,
// in transactions too, and CONFIG RESETSTAT has them begin anew.
func TestInfoCounts(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	fields := func() map[string]string {
		_, f := infoOf(t, c.text("info", "everything"))
		return f
	}
	c.do("set", "k", "v")
	c.do("get", "k")
	c.do("get", "nosuch")
	c.do("incr", "k")           // fails
	c.do("get")                 // rejected
	c.do("memory", "usage", "") // asks for a key that is not there
	c.do("memory", "usage", "k", "x", "y")
	c.do("multi")
	c.do("get", "k")
	c.do("get", "k")
	c.do("exec")
	f := fields()
	for name, want := range map[string]string{
		"keyspace_hits": "3", "keyspace_misses": "2", "total_error_replies": "3", "errorstat_ERR": "count=3",
		"total_commands_processed": "10",
	} {
		if f[name] != want {
			t.Errorf("%s is %s, want %s", name, f[name], want)
		}
	}
	for name, want := range map[string]string{
		"cmdstat_get": "calls=4,.*,rejected_calls=1,failed_calls=0", "cmdstat_incr": "calls=1,.*,rejected_calls=0,failed_calls=1",
		"cmdstat_memory|usage": "calls=2,.*,rejected_calls=0,failed_calls=1",
	} {
		if !regexp.MustCompile("^" + want + "$").MatchString(f[name]) {
			t.Errorf("%s is %q, want %s", name, f[name], want)
		}
	}
	c.do("config", "resetstat")
	f = fields()
	for name, want := range map[string]string{
		"keyspace_hits": "0", "total_error_replies": "0", "errorstat_ERR": "", "total_commands_processed": "1",
		"total_connections_received": "0", "cmdstat_get": "", "latency_percentiles_usec_get": "",
	} {
		if f[name] != want {
			t.Errorf("after CONFIG RESETSTAT %s is %q, want %q", name, f[name], want)
		}
	}
	if in, _ := strconv.Atoi(f["total_net_input_bytes"]); in <= 0 || in > 200 {
		t.Errorf("after CONFIG RESETSTAT total_net_input_bytes is %d", in)
	}
}

func TestHumanBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1.00K", 1536: "1.50K", 1 << 20: "1.00M", 25276502016: "23.54G", 1 << 40: "1.00T", 1 << 50: "1.00P",
		1 << 60: "1024.00P",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d bytes are %s, want %s", n, got, want)
		}
	}
}

func TestSnapshot(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	c.do("set", "k", "v")
	c.do("get", "k")
	c.do("get", "nosuch")
	c.do("incr", "k")
	c.do("get")
	c.do("ping")
	x := n.srv.Snapshot()
	if x.Version != "0.0.1" || x.RedisVersion != "7.2.4" || x.Engine != "memory" || x.Uptime <= 0 || x.Hits != 1 || x.Misses != 1 ||
		x.Errors["ERR"] != 2 || x.UsedMemory <= 0 || x.PeakMemory < x.UsedMemory || x.Process.CPUUser <= 0 {
		t.Errorf("%+v", x)
	}
	var names []string
	for _, f := range x.Commands {
		names = append(names, f.Name)
		last := int64(0)
		if len(f.Steps) != len(x.Steps) {
			t.Errorf("%s has %d steps of %d", f.Name, len(f.Steps), len(x.Steps))
		}
		for _, s := range f.Steps {
			if s < last || s > f.Calls {
				t.Errorf("%s: %+v", f.Name, f.Steps)
			}
			last = s
		}
		if f.Name == "get" && (f.Calls != 2 || f.Rejected != 1 || f.Failed != 0 || f.Time <= 0 || last != 2) {
			t.Errorf("%+v", f)
		}
	}
	if got := strings.Join(names, " "); got != "get incr ping set" {
		t.Errorf("commands %s", got)
	}
}
