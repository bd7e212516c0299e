package lsm

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// UsedBytes is the block cache and the tables in memory, the latter as of at
// most a second ago.
func (e *Engine) UsedBytes() int64 {
	used := e.cache.Size()
	if m := e.metrics.Load(); m != nil {
		used += int64(m.MemTable.Size + m.MemTable.ZombieSize)
	}
	return used
}

// Stats waits for nothing: Pebble's own figures are as of at most a second ago,
// while the disk is not full.
func (e *Engine) Stats() engine.Stats {
	st := engine.Stats{UsedBytes: e.UsedBytes()}
	st.Keys, st.LiveBytes = e.counts.total()
	if m := e.metrics.Load(); m != nil && !e.closed.Load() {
		st.DiskBytes = int64(m.DiskSpaceUsage())
		st.Extra = append(pebbleFigures(m), e.figures()...)
	}
	return st
}

// pebbleFigures are those of Pebble's metrics that say how it fares.
func pebbleFigures(m *pebble.Metrics) []engine.Figure {
	all := m.Total()
	levels := int64(0)
	for i := range m.Levels {
		if m.Levels[i].TablesCount > 0 {
			levels++
		}
	}
	return []engine.Figure{
		{Name: "lsm_tables", Value: all.TablesCount},
		{Name: "lsm_table_bytes", Value: all.TablesSize},
		{Name: "lsm_levels", Value: levels},
		{Name: "lsm_level0_tables", Value: m.Levels[0].TablesCount},
		{Name: "lsm_level0_bytes", Value: m.Levels[0].TablesSize},
		{Name: "lsm_read_amplification", Value: int64(m.ReadAmp())},
		{Name: "lsm_flushes", Value: m.Flush.Count},
		{Name: "lsm_flushed_bytes", Value: int64(all.TableBytesFlushed)},
		{Name: "lsm_compactions", Value: m.Compact.Count},
		{Name: "lsm_compactions_running", Value: m.Compact.NumInProgress},
		{Name: "lsm_compactions_failed", Value: m.Compact.FailedCount},
		{Name: "lsm_compacted_bytes", Value: int64(all.TableBytesCompacted)},
		{Name: "lsm_compaction_debt_bytes", Value: int64(m.Compact.EstimatedDebt)},
		{Name: "lsm_tombstones", Value: int64(m.Keys.TombstoneCount)},
		{Name: "lsm_memtables", Value: m.MemTable.Count},
		{Name: "lsm_memtable_bytes", Value: int64(m.MemTable.Size)},
		{Name: "lsm_log_files", Value: m.WAL.Files},
		{Name: "lsm_log_bytes", Value: int64(m.WAL.Size)},
		{Name: "lsm_log_written_bytes", Value: int64(m.WAL.BytesWritten)},
		{Name: "lsm_cache_bytes", Value: m.BlockCache.Size},
		{Name: "lsm_cache_hits", Value: m.BlockCache.Hits},
		{Name: "lsm_cache_misses", Value: m.BlockCache.Misses},
		{Name: "lsm_cache_hit_percent", Value: percent(m.BlockCache.Hits, m.BlockCache.Misses)},
		{Name: "lsm_filter_hits", Value: m.Filter.Hits},
		{Name: "lsm_filter_misses", Value: m.Filter.Misses},
	}
}

// percent is the share of hits, 0 if there was nothing to hit.
func percent(hits, misses int64) int64 {
	if hits+misses == 0 {
		return 0
	}
	return hits * 100 / (hits + misses)
}

func bit(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// figures are those that the engine counts itself.
func (e *Engine) figures() []engine.Figure {
	return []engine.Figure{
		{Name: "lsm_log_fsyncs", Value: e.disk.fsyncs.Load()},
		{Name: "lsm_write_stalls", Value: e.log.stalls.Load()},
		{Name: "lsm_write_stall_ms", Value: e.log.stallTime().Milliseconds()},
		{Name: "lsm_background_errors", Value: e.health.failures.Load()},
		{Name: "lsm_corruptions", Value: e.health.corruptions.Load()},
		{Name: "lsm_writes_refused", Value: bit(e.health.writable() != nil)},
		{Name: "lsm_rewrites", Value: e.compactor.done.Load()},
		{Name: "lsm_rewrite_in_progress", Value: bit(e.compactor.running.Load())},
		{Name: "lsm_rewrite_failed", Value: bit(e.compactor.failed.Load())},
		{Name: "lsm_reads_waiting", Value: int64(len(e.readers.queue))},
		{Name: "lsm_writes_waiting", Value: int64(len(e.writers.queue))},
	}
}
