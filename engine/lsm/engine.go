package lsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// Engine keeps entries in Pebble. Every call that may touch the disk is carried
// out by a goroutine of one of its pools.
type Engine struct {
	opts   Options
	log    *pebbleLog
	health *health
	disk   *disk
	cache  *pebble.Cache
	lock   *pebble.Lock
	db     *pebble.DB
	clean  bool   // how the last process stopped
	note   []byte // of the engine's user: the last one's, or, if it was set, the next one's
	noted  bool   // it was set

	locks   locks
	counts  counts
	flusher *flusher
	readers *pool
	writers *pool

	fsync   atomic.Value // the Fsync in force
	setting sync.Mutex   // taken by SetFsync only, and held while it waits for the disk

	compactor compactor

	metrics  atomic.Pointer[pebble.Metrics] // as of the last look
	closed   atomic.Bool
	stop     chan struct{} // ends the keeper and the looker; the compactor has a context
	stopOnce sync.Once
	keeper   sync.WaitGroup
}

var (
	_ engine.Engine  = (*Engine)(nil)
	_ engine.Ordered = (*Engine)(nil)
	_ engine.Noter   = (*Engine)(nil)
)

// Open opens the engine in a directory, which it makes if there is none. The
// directory is this process's until Close.
func Open(o Options) (*Engine, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: o, stop: make(chan struct{})}
	e.fsync.Store(o.Fsync)
	e.compactor.init()
	e.health = &health{log: o.Log}
	e.log = &pebbleLog{log: o.Log, fatal: o.Fatal, health: e.health}
	e.disk = newDisk(o.FS, o.Fsync == Always, e.health)
	if err := e.open(); err != nil {
		return nil, errors.Join(err, e.release())
	}
	e.flusher = newFlusher(e.flushLog)
	var serve []func(<-chan call)
	for range o.Workers {
		serve = append(serve, (&reader{fetcher: fetcher{engine: e}}).serve)
	}
	e.readers = newPool(o.Queue, serve...)
	e.writers = newPool(o.Queue, newWriter(e, o.Workers).serve)
	e.look()
	e.keep()
	e.disk.patient.Store(true)
	e.keeper.Go(e.keepLoop)
	e.keeper.Go(e.lookLoop)
	e.keeper.Go(e.compactLoop)
	return e, nil
}

// open does what of Open can fail; release undoes it.
func (e *Engine) open() (err error) {
	o := e.opts
	if err := makeDir(o.FS, o.Dir); err != nil {
		return fmt.Errorf("lsm: %w", err)
	}
	if e.lock, err = lockDir(o.FS, o.Dir); err != nil {
		return err
	}
	if err := identify(o.FS, o.Dir); err != nil {
		return err
	}
	last, err := readRun(o.FS, o.Dir)
	if err != nil {
		return err
	}
	e.cache = pebble.NewCache(o.CacheBytes)
	isNew, err := e.create()
	if err != nil {
		return openFailed(err)
	}
	e.db, err = pebble.Open(o.Dir, e.pebbleOptions())
	if err != nil && pebble.IsCorruptionError(err) && last.lostPower(o.boot) {
		if err = cutLog(o.FS, o.Dir, o.Log); err == nil {
			e.db, err = pebble.Open(o.Dir, e.pebbleOptions())
		}
	}
	if err != nil {
		return openFailed(err)
	}
	if err := e.writeRun(o.Fsync); err != nil {
		return err
	}
	return e.loadCounts(isNew)
}

// create makes a database if there is none, and closes it: the first log of one
// that was made by this process would be of an older format, which does not tell
// damage from a torn end.
func (e *Engine) create() (isNew bool, err error) {
	d, err := pebble.Peek(e.opts.Dir, e.opts.FS)
	if err != nil || d.Exists {
		return false, err
	}
	db, err := pebble.Open(e.opts.Dir, e.pebbleOptions())
	if err != nil {
		return false, err
	}
	return true, db.Close()
}

// loadCounts takes the counts over, or makes them anew.
func (e *Engine) loadCounts(isNew bool) (err error) {
	e.note, e.clean, err = e.counts.load(e.db)
	if err == nil && !e.clean {
		err = e.counts.rebuild(e.db)
	}
	if err != nil {
		return openFailed(err)
	}
	keys, _ := e.counts.total()
	e.clean = e.clean || isNew // nothing can have been lost
	e.opts.Log.Info("opened", "engine", Name, "dir", e.opts.Dir, "keys", keys, "clean", e.clean)
	return nil
}

// openFailed puts an error of opening into the engine's words.
func openFailed(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("lsm: %w: %w", engine.ErrCorrupt, err)
	}
	return fmt.Errorf("lsm: opening failed: %w", err)
}

// pebbleOptions are ours, in Pebble's terms.
func (e *Engine) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                          e.disk,
		Lock:                        e.lock,
		Cache:                       e.cache,
		Logger:                      e.log,
		EventListener:               e.log.events(),
		MemTableSize:                uint64(e.opts.MemtableBytes),
		MemTableStopWritesThreshold: maxMemtables,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 * mib,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		// The newest that tables and logs of v2.1 need: checksums also of
		// footers, and logs whose chunks tell damage from a torn end.
		FormatMajorVersion: pebble.FormatTableFormatV6,
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// Clean says whether the last process that had the directory closed the engine,
// so that nothing can have been lost.
func (e *Engine) Clean() bool { return e.clean }

// Try is always false: every transaction may have to read the disk.
func (e *Engine) Try(*engine.Txn) bool { return false }

// TryScan is always false.
func (e *Engine) TryScan(*engine.Scan) bool { return false }

// Prefetch does nothing: the keys will be looked up by others than the caller.
func (e *Engine) Prefetch([]engine.Key) {}

// Note is engine.Noter's.
func (e *Engine) Note() []byte { return e.note }

// SetNote is engine.Noter's.
func (e *Engine) SetNote(note []byte) { e.note, e.noted = note, true }

// InOrder is engine.Ordered's: see writer.
func (e *Engine) InOrder() bool { return true }

// Start queues t.
func (e *Engine) Start(t *engine.Txn) {
	if t.Mode == engine.Read {
		e.readers.start(call{txn: t})
	} else {
		e.writers.start(call{txn: t})
	}
}

// StartScan queues sc.
func (e *Engine) StartScan(sc *engine.Scan) { e.readers.start(call{scan: sc}) }

// Await calls done once pos is with the system, and with fsync always on the
// disk; see the package's comment.
func (e *Engine) Await(pos engine.Position, done func(error)) { e.flusher.await(pos, done) }

// Flush has nothing to write: commits are made by the pools, each of which wakes
// the flusher, and positions say when it is done.
func (e *Engine) Flush() error {
	if e.closed.Load() {
		return engine.ErrClosed
	}
	return nil
}

// Len is the number of entries of a slot.
func (e *Engine) Len(slot uint16) int64 { return e.counts.slots[slot].keys.Load() }

// flushLog makes durable, as far as the settings promise it, what is committed.
func (e *Engine) flushLog() error {
	if err := e.db.LogData(nil, pebble.Sync); err != nil {
		e.log.Fatalf("the log could not be written: %v", err)
	}
	return e.disk.written()
}

// Sync makes everything durable.
func (e *Engine) Sync() error {
	if e.closed.Load() {
		return engine.ErrClosed
	}
	return e.sync()
}

func (e *Engine) sync() error {
	if err := e.flushLog(); err != nil {
		return err
	}
	return e.disk.fsync()
}

// Close makes everything durable, in tables, so that there is no log to go
// through at the next start, and gives all up.
func (e *Engine) Close() error {
	if e.closed.Swap(true) {
		return engine.ErrClosed
	}
	if e.health.writable() != nil {
		e.disk.giveUp() // who waits for room would wait longer than a stop may take
	}
	e.readers.stop()
	e.writers.stop()
	e.stopKeeper()
	e.flusher.close()
	err := e.finish()
	err = errors.Join(err, e.release())
	if err == nil {
		err = e.opts.FS.Remove(e.opts.FS.PathJoin(e.opts.Dir, runFile))
	}
	return err
}

// finish leaves what a clean stop leaves. An engine that cannot write leaves the
// log as it is.
func (e *Engine) finish() error {
	if err := errors.Join(e.health.writable(), e.sync()); err != nil {
		return err
	}
	if !e.noted {
		e.note = nil
	}
	if err := e.counts.save(e.db, e.note); err != nil {
		return err
	}
	if err := e.flushTables(); err != nil {
		return err
	}
	return e.sync()
}

// flushTables writes out what is in memory. It fails where Pebble would try for
// ever.
func (e *Engine) flushTables() error {
	flushed, err := e.db.AsyncFlush()
	if err != nil {
		return err
	}
	tick := time.NewTicker(retryPause)
	defer tick.Stop()
	for {
		select {
		case <-flushed:
			return nil
		case <-tick.C:
			if err := e.health.writable(); err != nil {
				return err
			}
		}
	}
}

// release closes what is open of Pebble.
func (e *Engine) release() (err error) {
	e.disk.giveUp()
	e.compactor.cancel()
	if e.db != nil {
		err = e.db.Close()
	}
	if err == nil {
		err = e.disk.settle()
	}
	if e.cache != nil {
		e.cache.Unref()
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}

// lockDir makes the directory this process's.
func lockDir(fs vfs.FS, dir string) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		return nil, fmt.Errorf("lsm: %s is in use by another process (or cannot be locked): %w", dir, err)
	}
	return lock, nil
}
