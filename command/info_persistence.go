package command

import (
	"strings"

	"github.com/rldb/rldb/engine"
)

// persistence shows a SAVE, which here is an fsync of everything, as Redis's
// snapshot, and the durable engines as its append-only file.
func (w *infoWriter) persistence() {
	v := &w.srv.admin.saves
	w.lines("loading:0 async_loading:0 current_cow_peak:0 current_cow_size:0 current_cow_size_age:0 " +
		"current_fork_perc:0.00 current_save_keys_processed:0 current_save_keys_total:0")
	w.line("rdb_changes_since_last_save", max(0, w.srv.store.Changes()-v.upTo.Load()))
	w.line("rdb_bgsave_in_progress", bit(v.wanted.Load() > 0))
	w.line("rdb_last_save_time", v.last.Load())
	w.line("rdb_last_bgsave_status", status(!v.failed.Load()))
	w.line("rdb_last_bgsave_time_sec", v.took.Load())
	w.lines("rdb_current_bgsave_time_sec:-1")
	w.line("rdb_saves", v.done.Load())
	w.lines("rdb_last_cow_size:0 rdb_last_load_keys_expired:0 rdb_last_load_keys_loaded:0")
	st := w.srv.store.Stats()
	w.line("aof_enabled", bit(w.srv.opt.Durable))
	w.line("aof_rewrite_in_progress", ownFigure(st, "_rewrite_in_progress"))
	w.lines("aof_rewrite_scheduled:0 aof_last_rewrite_time_sec:-1 aof_current_rewrite_time_sec:-1")
	w.line("aof_last_bgrewrite_status", status(ownFigure(st, "_rewrite_failed") == 0))
	w.line("aof_rewrites", ownFigure(st, "_rewrites"))
	w.lines("aof_rewrites_consecutive_failures:0")
	w.line("aof_last_write_status", status(ownFigure(st, "_writes_refused") == 0))
	w.lines("aof_last_cow_size:0 module_fork_in_progress:0 module_fork_last_cow_size:0")
	if !w.srv.opt.Durable {
		return
	}
	w.line("aof_current_size", st.DiskBytes)
	w.line("aof_base_size", st.LiveBytes)
	w.lines("aof_pending_rewrite:0 aof_buffer_length:0 aof_pending_bio_fsync:0 aof_delayed_fsync:0")
	w.bytes("rldb_disk_bytes", st.DiskBytes)
	w.bytes("rldb_live_bytes", st.LiveBytes)
	w.figures(st)
}

// ownFigure is the engine's own figure whose name is the engine's and suffix; 0 if
// it has none.
func ownFigure(st engine.Stats, suffix string) int64 {
	for _, f := range st.Extra {
		if strings.HasSuffix(f.Name, suffix) {
			return f.Value
		}
	}
	return 0
}

func bit(is bool) int {
	if is {
		return 1
	}
	return 0
}

func status(ok bool) string {
	if ok {
		return "ok"
	}
	return "err"
}
