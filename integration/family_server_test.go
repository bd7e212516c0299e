package integration

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func serverChoices() []choice {
	return []choice{
		{2, func(g *gen) unit {
			return one("WAIT", pick(g, "0", "0", "-1", "x", "", "1.5"), pick(g, "0", "1", "-1", "x", "1.5"))
		}},
		{1, func(g *gen) unit { return one("WAIT", pick(g, "0", "0", "0", "0", "0", "0", "0", "1"), "1") }},
		{1, func(*gen) unit { return one("TIME") }},
		{1, func(*gen) unit { return unit{{args: []string{"TIME"}, check: checkTime}} }},
		{1, func(g *gen) unit { return one(append([]string{"INFO"}, g.infoSections()...)...) }},
		{1, func(*gen) unit { return unit{{args: []string{"INFO"}, check: checkInfo}} }},
		{1, func(*gen) unit { return one("ROLE") }},
		{1, func(g *gen) unit { return one("DEBUG", "SLEEP", pick(g, "0", "0.001", "x", "0x0")) }},
		{1, func(*gen) unit {
			return unit{cmd("DEBUG", "SET-ACTIVE-EXPIRE", "0"), cmd("DEBUG", "SET-ACTIVE-EXPIRE", "1")}
		}},
		{1, func(g *gen) unit { return one("DEBUG", pick(g, "FOO", "", "HELP", "SLEEP", "SET-ACTIVE-EXPIRE")) }},
		{2, func(g *gen) unit {
			return one(append([]string{"FUNCTION", "FLUSH"}, pick(g, nil, nil, []string{"ASYNC"}, []string{"SYNC"}, []string{"FOO"}, []string{"SYNC", "x"})...)...)
		}},
		{3, func(g *gen) unit { return one(append([]string{"SLOWLOG"}, g.slowlogOptions()...)...) }},
		{3, func(g *gen) unit { return one(append([]string{"LATENCY"}, g.latencyOptions()...)...) }},
		{1, func(g *gen) unit {
			return one("MEMORY", pick(g, "DOCTOR", "STATS", "MALLOC-STATS", "PURGE", "HELP", "FOO"))
		}},
		{1, func(g *gen) unit {
			return one("LOLWUT", pick(g, "VERSION", "5", "x"), pick(g, "5", "1", "x"))
		}},
		{1, func(g *gen) unit { return one("SET", g.key(), g.value()) }},
	}
}

func (g *gen) infoSections() []string {
	return pick(g, nil, []string{"server"}, []string{"ALL"}, []string{"everything"}, []string{"default"}, []string{"memory", "stats"},
		[]string{"nosuch"}, []string{""}, []string{"Server", "CLIENTS", "nosuch"})
}

func (g *gen) slowlogOptions() []string {
	return pick(g, []string{"GET"}, []string{"GET", "5"}, []string{"GET", "-1"}, []string{"GET", "-2"}, []string{"GET", "x"}, []string{"LEN"},
		[]string{"RESET"}, []string{"HELP"}, []string{"FOO"}, []string{"LEN", "1"}, []string{"get", "0"}, []string{""})
}

func (g *gen) latencyOptions() []string {
	return pick(g, []string{"LATEST"}, []string{"HISTORY", "command"}, []string{"HISTORY"}, []string{"RESET"}, []string{"RESET", "nosuch"},
		[]string{"GRAPH", "nosuch"}, []string{"DOCTOR"}, []string{"HISTOGRAM"}, []string{"HISTOGRAM", "set"}, []string{"HISTOGRAM", "nosuch"},
		[]string{"HELP"}, []string{"FOO"}, []string{"LATEST", "x"})
}

// checkTime: two numbers that are now.
func checkTime(_, sub client) string {
	f, err := sub[0].do("TIME")
	if err != nil {
		return err.Error()
	}
	if len(f.elems) != 2 {
		return fmt.Sprintf("%q", f.raw)
	}
	sec, err := strconv.ParseInt(f.elems[0].str(), 10, 64)
	if diff := time.Since(time.Unix(sec, 0)); err != nil || diff < -5*time.Second || diff > 5*time.Second {
		return fmt.Sprintf("%q is not now", f.raw)
	}
	if usec, err := strconv.Atoi(f.elems[1].str()); err != nil || usec < 0 || usec > 999_999 {
		return fmt.Sprintf("%q: no microseconds", f.raw)
	}
	return ""
}

// infoFields are what tools read from INFO (COMPAT 4.7).
const infoFields = `redis_version redis_mode os arch_bits process_id run_id tcp_port uptime_in_seconds
uptime_in_days hz config_file connected_clients maxclients blocked_clients tracking_clients
client_recent_max_input_buffer client_recent_max_output_buffer used_memory used_memory_human used_memory_rss
used_memory_peak used_memory_lua used_memory_overhead used_memory_dataset maxmemory maxmemory_policy
mem_fragmentation_ratio number_of_cached_scripts mem_allocator loading rdb_changes_since_last_save
rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status aof_enabled aof_rewrite_in_progress
aof_last_write_status total_connections_received total_commands_processed instantaneous_ops_per_sec
total_net_input_bytes total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps
rejected_connections expired_keys evicted_keys keyspace_hits keyspace_misses pubsub_channels pubsub_patterns
total_error_replies role connected_slaves master_replid master_repl_offset used_cpu_sys used_cpu_user
cluster_enabled db0`

// checkInfo: every field that tools read stands in both texts, lines end in CR
// LF, and the number of keys is right.
func checkInfo(ref, sub client) string {
	for _, c := range []*conn{ref[0], sub[0]} {
		if f, err := c.do("SET", "one key at least", "v"); err != nil || f.isError() {
			return fmt.Sprintf("SET: %q %v", f.raw, err)
		}
		f, err := c.do("INFO")
		if err != nil {
			return err.Error()
		}
		text := strings.TrimPrefix(f.str(), "txt:")
		if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			return "a line of INFO does not end in CR LF"
		}
		for _, name := range strings.Fields(infoFields) {
			if !strings.Contains(text, "\n"+name+":") {
				return fmt.Sprintf("%v: INFO lacks %s", c.RemoteAddr(), name)
			}
		}
	}
	return ""
}
