package bitcask

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
)

// ErrBusy: too many calls wait for the disk already. Nothing has happened.
var ErrBusy = errors.New("bitcask: too many calls wait for the disk")

// Engine keeps entries in a log of segments, and where each value stands in an
// index in memory.
//
// Goroutines, all of which Open starts and Close ends: the syncer, the keeper,
// the scrubber, and the pool.
type Engine struct {
	opts Options
	fs   FS
	log  *slog.Logger
	lock io.Closer

	// index holds a location under each key. It also has the locks: whoever
	// changes the log for a key does it with the key's slot locked there.
	index    *memory.Engine
	segments segments
	wal      *wal
	syncer   *syncer
	keeper   *keeper
	problems problems
	figures  figures

	ledger   ledger
	marked   atomic.Int64 // bytes of memory for the marks of dead values
	dropping atomic.Int64 // drops whose entries have not all been accounted for
	clean    bool
	unlisted bool     // segments may be missing: there was no list of them
	listed   []listed // what the list says; the keeper's
	closed   atomic.Bool

	ops     sync.Pool
	reads   chan job
	writes  chan job
	quit    chan struct{} // closed when the background goroutines are to end
	running sync.WaitGroup
	syncing sync.WaitGroup // the syncer, which ends last
}

var _ engine.Engine = (*Engine)(nil)

// figures are counted for Stats.
type figures struct {
	merges, mergedBytes, scrubbed, scrubs, hintLoads, torn atomic.Int64
}

// Open opens the engine of a directory, or makes a new one.
func Open(o Options) (*Engine, error) {
	e, err := load(o)
	if err == nil {
		e.start()
	}
	return e, err
}

// load is Open without the goroutines.
func load(o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, err
	}
	lock, err := o.FS.Lock(filepath.Join(o.Dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, o.Dir)
	}
	e := &Engine{opts: o, fs: o.FS, log: o.Log, lock: lock, index: memory.NewIndex(), quit: make(chan struct{})}
	e.ops.New = func() any { return new(op) }
	e.reads = make(chan job, o.ReadPool*queuePerRead)
	e.writes = make(chan job, o.ReadPool*queuePerRead)
	e.ledger.limit = o.SegmentBytes
	e.wal = &wal{fs: o.FS, dir: o.Dir, limit: o.SegmentBytes, segments: &e.segments, ledger: &e.ledger, log: o.Log, kick: make(chan struct{}, 1)}
	e.keeper = newKeeper(e)
	e.wal.assess = e.keeper.assess
	e.wal.mu.policy = o.Fsync
	e.syncer = &syncer{wal: e.wal, settled: e.keeper.assess, keeper: e.keeper.wake, quit: make(chan struct{})}
	if err := e.recover(); err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

func (e *Engine) start() {
	e.syncing.Go(e.syncer.run)
	e.running.Go(e.keeper.run)
	if e.opts.ScrubBytesPerSecond > 0 {
		e.running.Go(e.scrub)
	}
	for range e.opts.ReadPool {
		e.running.Go(func() { e.serve(e.reads) })
		e.running.Go(func() { e.serve(e.writes) })
	}
}

// Clean reports whether the engine had been closed before it was opened, so
// that nothing can be missing.
func (e *Engine) Clean() bool { return e.clean && !e.unlisted }

func (e *Engine) check() error {
	if e.closed.Load() {
		return engine.ErrClosed
	}
	return nil
}

// Flush writes what has been appended, but for large transactions that are under
// way and what comes after them: Await tells when that is written.
func (e *Engine) Flush() error {
	if err := e.check(); err != nil {
		return err
	}
	return e.wal.flushSmall()
}

// Await calls done once everything up to pos is written, or durable if fsync is
// always at the time of the call.
func (e *Engine) Await(pos engine.Position, done func(error)) {
	if pos == 0 {
		done(nil)
		return
	}
	if err := e.check(); err != nil {
		done(err)
		return
	}
	e.wal.await(pos, false, done)
}

// SetFsync changes the setting of fsync while the engine works. It does not wait
// for the disk. What is awaited after it has returned is as durable as the new
// setting promises; what is awaited already, at least as durable as the old one
// does.
func (e *Engine) SetFsync(f Fsync) error {
	if err := e.check(); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	e.wal.setPolicy(f)
	return nil
}

// Fsync is the setting of fsync.
func (e *Engine) Fsync() Fsync { return e.wal.fsyncPolicy() }

// Sync makes everything durable.
func (e *Engine) Sync() error {
	if err := e.check(); err != nil {
		return err
	}
	return e.wal.sync()
}

// Merge starts merging whatever wins something by it.
func (e *Engine) Merge() {
	e.keeper.forced.Store(true)
	e.keeper.wake()
}

// Len is the number of entries of a slot.
func (e *Engine) Len(slot uint16) int64 { return e.index.Len(slot) }

// UsedBytes is the memory of the index, of the marks and of the tail.
func (e *Engine) UsedBytes() int64 { return e.indexBytes() + e.ledger.pending.Load() }

// indexBytes is the memory that grows with the keys.
func (e *Engine) indexBytes() int64 { return e.index.UsedBytes() + e.marked.Load() }

// Close makes everything durable, and leaves nothing to recover.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return engine.ErrClosed
	}
	close(e.quit)
	e.running.Wait()
	close(e.syncer.quit)
	e.syncing.Wait()
	err := e.wal.refusal()
	if err == nil {
		err = e.finish()
	}
	return errors.Join(err, e.release())
}

// finish writes the hint of the last segment, and what says that the stop was
// clean.
func (e *Engine) finish() error {
	for _, s := range e.segments.ordered() {
		if s.hasHint || s.size.Load() == 0 {
			continue
		}
		if err := e.keeper.writeHint(s); err != nil {
			return err
		}
	}
	all := slices.DeleteFunc(e.segments.ordered(), func(s *segment) bool { return s.size.Load() == 0 })
	if err := e.list(all); err != nil {
		return err
	}
	return writeFile(e.fs, e.opts.Dir, cleanName, "closed\n")
}

// release gives everything back that Open took.
func (e *Engine) release() error {
	for _, s := range e.segments.all() {
		s.release()
	}
	e.segments.table.Store(nil)
	return errors.Join(e.index.Close(), e.lock.Close())
}

// Stats adds up.
func (e *Engine) Stats() engine.Stats {
	st := engine.Stats{LiveBytes: e.ledger.live.Load(), UsedBytes: e.UsedBytes(), Keys: e.index.Stats().Keys}
	all := e.segments.ordered()
	needed := int64(0)
	for _, s := range all {
		st.DiskBytes += s.disk()
		needed += s.needed()
	}
	b := func(is bool) int64 {
		if is {
			return 1
		}
		return 0
	}
	st.Extra = []engine.Figure{
		{Name: "bitcask_segments", Value: int64(len(all))},
		{Name: "bitcask_dead_bytes", Value: st.DiskBytes - needed},
		{Name: "bitcask_tail_bytes", Value: e.ledger.pending.Load()},
		{Name: "bitcask_merges", Value: e.figures.merges.Load()},
		{Name: "bitcask_merged_bytes", Value: e.figures.mergedBytes.Load()},
		{Name: "bitcask_merge_behind", Value: b(e.keeper.behind())},
		{Name: "bitcask_scrubs", Value: e.figures.scrubs.Load()},
		{Name: "bitcask_scrubbed_bytes", Value: e.figures.scrubbed.Load()},
		{Name: "bitcask_corrupt_entries", Value: e.problems.count.Load()},
		{Name: "bitcask_torn_bytes", Value: e.figures.torn.Load()},
		{Name: "bitcask_fsyncs", Value: e.syncer.fsyncs.Load()},
		{Name: "bitcask_last_fsync_us", Value: e.syncer.lastNs.Load() / 1000},
		{Name: "bitcask_hint_loads", Value: e.figures.hintLoads.Load()},
		{Name: "bitcask_clean_start", Value: b(e.clean)},
		{Name: "bitcask_writes_refused", Value: b(e.wal.refusal() != nil)},
	}
	return st
}
