package command

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/resp"
)

// The sections of INFO. Fields of features that rldb has not show what Redis
// shows where the feature is not used; others are left out.

func (w *infoWriter) server() {
	s := w.srv
	up := w.now.Sub(s.started)
	exe, _ := os.Executable()
	w.line("redis_version", s.Settings().RedisVersion)
	w.line("rldb_version", s.opt.Version)
	w.line("rldb_engine", s.opt.Engine)
	w.line("redis_git_sha1", "00000000")
	w.line("redis_git_dirty", 0)
	w.line("redis_mode", s.mode())
	w.line("os", runtime.GOOS+" "+runtime.GOARCH)
	w.line("arch_bits", 32<<(^uint(0)>>63))
	w.line("go_version", runtime.Version())
	w.line("process_id", os.Getpid())
	w.line("process_supervised", "no")
	w.line("run_id", s.runID)
	w.line("tcp_port", s.opt.Port())
	w.line("server_time_usec", w.now.UnixMicro())
	w.line("uptime_in_seconds", int64(up/time.Second))
	w.line("uptime_in_days", int64(up/(24*time.Hour)))
	w.lines("hz:10 configured_hz:10")
	w.line("lru_clock", w.now.Unix()&(1<<24-1))
	w.line("executable", exe)
	w.line("config_file", s.opt.File)
	threads := 0
	if s.front.Serving() > 1 {
		threads = 1
	}
	w.line("io_threads_active", threads)
}

func (w *infoWriter) clients() {
	s := w.srv
	var in, out int64
	s.front.Each(func(x *resp.Session) bool {
		i, o := x.Buffers()
		in, out = max(in, i), max(out, o)
		return true
	})
	w.line("connected_clients", s.front.Connected())
	links := 0
	if s.cluster != nil {
		links = len(s.cluster.Links())
	}
	w.line("cluster_connections", links)
	w.line("maxclients", s.setting("maxclients", "0"))
	w.line("client_recent_max_input_buffer", in)
	w.line("client_recent_max_output_buffer", out)
	w.lines("blocked_clients:0 tracking_clients:0 clients_in_timeout_table:0")
}

func (w *infoWriter) memory() {
	s := w.srv
	m := s.memory()
	w.bytes("used_memory", m.used)
	w.bytes("used_memory_rss", m.rss)
	w.bytes("used_memory_peak", m.peak)
	w.line("used_memory_peak_perc", percent(m.used, m.peak))
	w.line("used_memory_overhead", m.used-m.dataset)
	w.line("used_memory_startup", 0)
	w.line("used_memory_dataset", m.dataset)
	w.line("used_memory_dataset_perc", percent(m.dataset, m.used))
	w.line("allocator_allocated", m.heapLive)
	w.line("allocator_active", m.heapUsed)
	w.line("allocator_resident", m.mapped)
	if m.system > 0 {
		w.bytes("total_system_memory", m.system)
	}
	w.lines("used_memory_lua:0 used_memory_vm_eval:0 used_memory_lua_human:0B used_memory_scripts_eval:0")
	w.line("number_of_cached_scripts", s.admin.scripts.len())
	w.lines("number_of_functions:0 number_of_libraries:0 used_memory_vm_functions:0 used_memory_vm_total:0 " +
		"used_memory_vm_total_human:0B used_memory_functions:0 used_memory_scripts:0 used_memory_scripts_human:0B")
	w.bytes("maxmemory", s.Settings().MaxMemory)
	w.line("maxmemory_policy", s.setting("maxmemory-policy", "noeviction"))
	w.line("mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(m.rss)/float64(max(m.used, 1))))
	w.line("mem_fragmentation_bytes", m.rss-m.used)
	w.lines("mem_not_counted_for_evict:0 mem_replication_backlog:0 mem_total_replication_buffers:0 mem_clients_slaves:0")
	w.line("mem_clients_normal", m.clients)
	w.lines("mem_cluster_links:0 mem_aof_buffer:0 mem_allocator:go active_defrag_running:0 " +
		"lazyfree_pending_objects:0 lazyfreed_objects:0")
	if !s.opt.Durable {
		w.figures(m.engine)
	}
}

// figures are the engine's own.
func (w *infoWriter) figures(of engine.Stats) {
	for _, f := range of.Extra {
		w.line("rldb_engine_"+f.Name, f.Value)
	}
}

func (w *infoWriter) replication() {
	w.lines("role:master connected_slaves:0 master_failover_state:no-failover")
	w.line("master_replid", w.srv.admin.replID)
	w.lines("master_replid2:0000000000000000000000000000000000000000 master_repl_offset:0 second_repl_offset:-1 " +
		"repl_backlog_active:0 repl_backlog_size:1048576 repl_backlog_first_byte_offset:0 repl_backlog_histlen:0")
}

func (w *infoWriter) cpu() {
	user, system := cpuTime()
	w.line("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
	w.line("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
	w.lines("used_cpu_sys_children:0.000000 used_cpu_user_children:0.000000")
}

func (w *infoWriter) keyspace() {
	s := w.srv
	keys := s.store.KeysIn(w.slots)
	if keys == 0 {
		return
	}
	expiring, sum := s.store.Expiring(w.slots)
	var ttl int64
	if expiring > 0 {
		// The sum is modulo 2^64; what is left of it once the present is taken
		// off fits again.
		ttl = max(0, (sum-expiring*s.store.Now(w.now))/expiring)
	}
	w.line("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", keys, expiring, ttl))
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.2f%%", 100*float64(part)/float64(max(whole, 1)))
}
