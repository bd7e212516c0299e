package lsm

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleLog carries Pebble's own log and events to slog, and counts stalls.
type pebbleLog struct {
	log    *slog.Logger
	fatal  func(error)
	health *health

	stalls     atomic.Int64
	stalledFor atomic.Int64 // nanoseconds, of stalls that are over
	stalled    atomic.Int64 // when the present one began, Unix nanoseconds, or 0
}

var _ pebble.Logger = (*pebbleLog)(nil)

// Infof is pebble.Logger's. Pebble tells much that concerns only itself.
func (l *pebbleLog) Infof(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }

// Errorf is pebble.Logger's.
func (l *pebbleLog) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf is pebble.Logger's: what is in memory can no longer be told from what is
// on disk, so the process must not go on. It does not return.
func (l *pebbleLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf("lsm: "+format, args...)
	l.log.Error("the storage engine cannot go on, the process ends", "err", err.Error())
	l.fatal(err)
	panic(err) // Fatal returned, which it must not
}

// events is how Pebble tells what happens. Its calls may come with its locks
// held: nothing here waits or calls it back.
func (l *pebbleLog) events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: l.health.background,
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			l.log.Error("a file is damaged", "file", i.Path, "err", i.Details)
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
			l.stalls.Add(1)
			l.stalled.Store(time.Now().UnixNano())
			l.log.Warn("writes wait for the disk", "reason", i.Reason)
		},
		WriteStallEnd: func() {
			d := time.Now().UnixNano() - l.stalled.Swap(0)
			l.stalledFor.Add(d)
			l.log.Warn("writes go on", "waited", time.Duration(d))
		},
		FlushEnd: func(i pebble.FlushInfo) {
			l.log.Debug("flush", "tables", len(i.Output), "took", i.TotalDuration, "err", i.Err)
		},
		CompactionEnd: func(i pebble.CompactionInfo) {
			l.log.Debug("compaction", "reason", i.Reason, "took", i.TotalDuration, "err", i.Err)
		},
	}
}

// stallTime is for how long writes have been stalled.
func (l *pebbleLog) stallTime() time.Duration {
	d := l.stalledFor.Load()
	if began := l.stalled.Load(); began != 0 {
		d += time.Now().UnixNano() - began
	}
	return time.Duration(d)
}
