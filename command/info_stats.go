package command

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The sections of INFO that count.

func (w *infoWriter) stats() {
	s := w.srv
	t := s.totals()
	calls, failed, hits, misses := s.stats.sums()
	ops, in, out := s.admin.rates.rate(s.moment(w.now))
	channels, patterns := s.hub.counts()
	w.line("total_connections_received", t.front.Accepted)
	w.line("total_commands_processed", calls)
	w.line("instantaneous_ops_per_sec", int64(ops+0.5))
	w.line("total_net_input_bytes", t.front.In)
	w.line("total_net_output_bytes", t.front.Out)
	w.lines("total_net_repl_input_bytes:0 total_net_repl_output_bytes:0")
	w.line("instantaneous_input_kbps", fmt.Sprintf("%.2f", in/1024))
	w.line("instantaneous_output_kbps", fmt.Sprintf("%.2f", out/1024))
	w.lines("instantaneous_input_repl_kbps:0.00 instantaneous_output_repl_kbps:0.00")
	w.line("rejected_connections", t.front.Rejected)
	w.lines("sync_full:0 sync_partial_ok:0 sync_partial_err:0")
	w.line("expired_keys", t.expired)
	w.lines("expired_stale_perc:0.00 expired_time_cap_reached_count:0 evicted_keys:0 evicted_clients:0 " +
		"total_eviction_exceeded_time:0 current_eviction_exceeded_time:0")
	w.line("keyspace_hits", hits)
	w.line("keyspace_misses", misses)
	w.line("pubsub_channels", channels)
	w.line("pubsub_patterns", patterns)
	w.lines("pubsubshard_channels:0 latest_fork_usec:0 total_forks:0 migrate_cached_sockets:0 " +
		"slave_expires_tracked_keys:0 active_defrag_hits:0 active_defrag_misses:0 active_defrag_key_hits:0 " +
		"active_defrag_key_misses:0 tracking_total_keys:0 tracking_total_items:0 tracking_total_prefixes:0 " +
		"unexpected_error_replies:0")
	w.line("total_error_replies", failed)
	w.lines("dump_payload_sanitizations:0 io_threaded_reads_processed:0 io_threaded_writes_processed:0")
}

// sums are the totals: commands executed, error replies, keys found and not.
func (s *stats) sums() (calls, failed, hits, misses int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.failed, s.hits, s.misses
}

func (w *infoWriter) commandStats() {
	st := &w.srv.stats
	st.mu.Lock()
	defer st.mu.Unlock()
	w.srv.table.eachRow(func(r *row) {
		x := &st.rows[r.index]
		if x.calls+x.rejected == 0 {
			return
		}
		usec := x.time.Microseconds()
		w.line("cmdstat_"+r.full, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			x.calls, usec, float64(x.time.Nanoseconds())/1000/float64(max(x.calls, 1)), x.rejected, x.failed))
	})
}

func (w *infoWriter) errorStats() {
	st := &w.srv.stats
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, code := range slices.Sorted(maps.Keys(st.errors)) {
		w.line("errorstat_"+code, "count="+strconv.FormatInt(st.errors[code], 10))
	}
}

func (w *infoWriter) latencyStats() {
	st := &w.srv.stats
	st.mu.Lock()
	defer st.mu.Unlock()
	w.srv.table.eachRow(func(r *row) {
		if h := st.rows[r.index].hist; h != nil {
			w.line("latency_percentiles_usec_"+r.full, fmt.Sprintf("p50=%s,p99=%s,p99.9=%s",
				usec(h.quantile(0.5)), usec(h.quantile(0.99)), usec(h.quantile(0.999))))
		}
	})
}

// usec is a duration in microseconds, three digits behind the point.
func usec(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Nanoseconds())/1000, 'f', 3, 64)
}
