package command

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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
		"loading": "0", "rdb_changes_since_last_save": "0", "rdb_bgsave_in_progress": "0", "rdb_last_save_time": `\d{10}`,
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

// TestRates walks through times of traffic and of none.
func TestRates(t *testing.T) {
	var r rates
	now := time.Unix(1000, 0)
	commands := int64(0)
	step := func(d time.Duration, n int64) {
		now = now.Add(d)
		r.note(moment{at: now, commands: commands, in: commands * 100})
		commands += n
	}
	rate := func() float64 {
		ops, in, _ := r.rate(moment{at: now, commands: commands, in: commands * 100})
		if diff := in - 100*ops; diff > 0.001 || diff < -0.001 {
			t.Errorf("%v commands, %v bytes", ops, in)
		}
		return ops
	}
	if got := rate(); got != 0 {
		t.Errorf("before anything: %v", got)
	}
	step(0, 160)
	if got := rate(); got != 100 {
		t.Errorf("160 commands in the first moment: %v, want 100 over the window", got)
	}
	for range 100 {
		step(100*time.Millisecond, 50)
	}
	now = now.Add(100 * time.Millisecond)
	if got := rate(); got < 499 || got > 501 {
		t.Errorf("50 commands each 100 ms: %v", got)
	}
	now = now.Add(800 * time.Millisecond)
	if got := rate(); got < 225 || got > 255 {
		t.Errorf("the same after 0.8 s without any: %v", got)
	}
	now = now.Add(time.Second)
	if got := rate(); got != 0 {
		t.Errorf("after the whole window without any: %v", got)
	}
	step(time.Hour, 16)
	if got := rate(); got != 10 {
		t.Errorf("16 commands after an hour without any: %v, want 10 over the window", got)
	}
	r.reset()
	if got := rate(); got != 0 {
		t.Errorf("after a reset: %v", got)
	}
}

// TestRatesAgainstTwin compares with a twin that remembers every command, for
// traffic without gaps.
func TestRatesAgainstTwin(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var r rates
		var times []time.Time
		now, due := time.Unix(1000, 0), time.Time{}
		for range 5000 {
			now = now.Add(time.Duration(rnd.Int64N(int64(2 * time.Millisecond))))
			if !now.Before(due) {
				r.note(moment{at: now, commands: int64(len(times))})
				due = now.Add(rateEvery)
			}
			times = append(times, now)
		}
		got, _, _ := r.rate(moment{at: now, commands: int64(len(times))})
		from := now.Add(-rateWindow)
		first := slices.IndexFunc(times, func(t time.Time) bool { return t.After(from) })
		want := float64(len(times)-first) / rateWindow.Seconds()
		if got < want*0.95 || got > want*1.05 {
			t.Errorf("seed %d: %v commands a second, want about %v", seed, got, want)
		}
	}
}

// TestObserve: figures are taken from time to time, whoever ends a batch.
func TestObserve(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	for i := range 100 {
		c.do("set", fmt.Sprint("key", i), strings.Repeat("v", 1000))
	}
	a := &n.srv.admin
	at := time.Now().Add(time.Hour)
	a.observe(n.srv, at)
	if peak := a.rates.peak.Load(); peak < 100_000 {
		t.Errorf("the peak is %d bytes", peak)
	}
	taken := a.rates.taken
	a.observe(n.srv, at.Add(rateEvery-1))
	if a.rates.taken != taken {
		t.Error("looked again too soon")
	}
	a.observe(n.srv, at.Add(rateEvery))
	if a.rates.taken != taken+1 {
		t.Error("did not look again")
	}
}

func TestHistogramUpTo(t *testing.T) {
	var h histogram
	var all []time.Duration
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := time.Duration(rnd.Int64N(1 << rnd.IntN(38)))
		all = append(all, d)
		h.add(d)
	}
	for exp := range 38 {
		bound := time.Duration(1<<exp - 1)
		if exp < 3 {
			continue // below 8 ns each value has its bucket
		}
		want := int64(0)
		for _, d := range all {
			if d <= bound {
				want++
			}
		}
		if got := h.upTo(bound); got != want {
			t.Errorf("%d are at most %d ns, want %d", got, bound, want)
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

func TestMemory(t *testing.T) {
	runCases(t, []adminCase{
		{"memory", wrongArity("memory"), ""},
		{"memory foo", "-ERR unknown subcommand 'foo'. Try MEMORY HELP.\r\n", ""},
		{"memory usage", wrongArity("memory|usage"), ""},
		{"memory usage nosuch", "$-1\r\n", "_\r\n"},
		{"memory usage nosuch samples 0", "$-1\r\n", "_\r\n"},
		{"memory usage nosuch samples -1", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch samples abc", "-ERR value is not an integer or out of range\r\n", ""},
		{"memory usage nosuch samples", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch foo 1", "-ERR syntax error\r\n", ""},
		{"memory usage nosuch samples 1 SAMPLES 2", "$-1\r\n", "_\r\n"},
		{"memory purge", "+OK\r\n", ""},
		{"memory purge", "+OK\r\n", ""},
		{"memory doctor", "$44\r\nNothing is unusual about the use of memory.\n\r\n", "=48\r\ntxt:Nothing is unusual about the use of memory.\n\r\n"},
	})
}

// TestMemoryUsage: what a key takes grows with its bytes, and beside them it is
// what the engine really takes on average.
func TestMemoryUsage(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	usage := func(key string) int {
		v, err := strconv.Atoi(strings.Trim(c.do("memory", "usage", key), ":\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c.do("set", "a", "")
	c.do("set", "abc", strings.Repeat("v", 1000))
	if small, large := usage("a"), usage("abc"); large-small != 1002 || small < 20 || small > 150 {
		t.Errorf("a key of 1 byte takes %d, one of 3 with 1000 more takes %d", small, large)
	}
	for i := range 3000 {
		c.send("set", fmt.Sprintf("key:%08d", i), "0123456789abcdef")
	}
	for range 3000 {
		if _, err := c.read(); err != nil {
			t.Fatal(err)
		}
	}
	n.srv.admin.observe(n.srv, time.Now().Add(time.Hour))
	if got, real := usage("key:00000000"), int(n.store.UsedBytes()/3002); got < real-40 || got > real+40 {
		t.Errorf("MEMORY USAGE says %d bytes, a key takes %d on average", got, real)
	}
}

func TestMemoryStats(t *testing.T) {
	n := startAdminNode(t)
	for _, proto := range []int{2, 3} {
		c := n.dial(proto)
		announced := map[int][2]string{2: {"*40\r\n", "*42\r\n"}, 3: {"%20\r\n", "%21\r\n"}}[proto]
		c.do("eval", luaPlainRelease, "1", "k", "v")
		if got := c.do("memory", "stats"); !strings.HasPrefix(got, announced[0]+"$14\r\npeak.allocated\r\n:") {
			t.Errorf("RESP%d MEMORY STATS: %q", proto, got)
		}
		c.do("set", "k", "v")
		got := c.do("memory", "stats")
		if !strings.HasPrefix(got, announced[1]) || !strings.Contains(got, "\r\nkeys.count\r\n:1\r\n") || !strings.Contains(got, "\r\ndb.0\r\n") {
			t.Errorf("RESP%d MEMORY STATS of a key: %q", proto, got)
		}
	}
	c := n.dial(2)
	if got := c.text("memory", "malloc-stats"); !strings.Contains(got, "/memory/classes/total:bytes ") {
		t.Errorf("MEMORY MALLOC-STATS: %q", got)
	}
}

func TestMemoryDoctor(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	c.do("set", "k", strings.Repeat("v", 1<<16))
	set := *n.srv.Settings()
	set.MaxMemory = 1 << 10
	n.srv.SetSettings(set)
	if got := c.text("memory", "doctor"); !strings.Contains(got, "of maxmemory's 1.00K are used") {
		t.Errorf("MEMORY DOCTOR above maxmemory: %q", got)
	}
}
