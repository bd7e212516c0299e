package lsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// logCategory is what Pebble says a file is for when it makes one for its log.
const logCategory = vfs.DiskWriteCategory("pebble-wal")

// disk is the file system as Pebble sees it. It decides what a sync of the log
// is (see the package's comment), and keeps the log's errors from Pebble, which
// could only end the process: bytes for which a full disk has no room are held
// until it has, any other error breaks the engine.
type disk struct {
	vfs.FS
	always bool // pass syncs of the log on
	health *health
	fsyncs atomic.Int64  // of the log
	stop   chan struct{} // closed when nobody needs to wait for anything

	// mu guards the log files that are not yet synced for good.
	mu   sync.Mutex
	logs map[*logFile]struct{}
}

func newDisk(fs vfs.FS, always bool, h *health) *disk {
	return &disk{FS: fs, always: always, health: h, stop: make(chan struct{}), logs: map[*logFile]struct{}{}}
}

// Unwrap is vfs.FS's.
func (d *disk) Unwrap() vfs.FS { return d.FS }

// Create is vfs.FS's.
func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return d.wrap(f, err, c)
}

// ReuseForWrite is vfs.FS's.
func (d *disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(from, to, c)
	return d.wrap(f, err, c)
}

func (d *disk) wrap(f vfs.File, err error, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err != nil {
		d.pause()
		return nil, err
	}
	if c != logCategory {
		return &tableFile{File: f, disk: d}, nil
	}
	l := &logFile{File: f, disk: d}
	d.mu.Lock()
	d.logs[l] = struct{}{}
	d.mu.Unlock()
	return l, nil
}

// retryPause is how long a failed write is kept from being tried again: Pebble
// repeats what it does in the background at once.
const retryPause = 50 * time.Millisecond

func (d *disk) pause() {
	select {
	case <-d.stop:
	case <-time.After(retryPause):
	}
}

// open gives the log files of now.
func (d *disk) open() (logs []*logFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for l := range d.logs {
		logs = append(logs, l)
	}
	return logs
}

// fsync forces the log to the disk.
func (d *disk) fsync() error {
	for _, l := range d.open() {
		if err := l.fsync(); err != nil {
			return err
		}
	}
	return d.health.broken()
}

// settle writes what is held back, if there is room by now.
func (d *disk) settle() error {
	for _, l := range d.open() {
		if err := l.settle(); err != nil {
			return err
		}
	}
	return nil
}

// written says whether all that Pebble wrote to its log is with the system (and
// on the disk, with fsync always), or why not.
func (d *disk) written() error {
	if err := d.health.broken(); err != nil {
		return err
	}
	for _, l := range d.open() {
		if l.holds() {
			return errHeld
		}
	}
	return nil
}

// errHeld: the log has bytes for which the disk has no room.
var errHeld = fmt.Errorf("%w: the log waits for room", engine.ErrDiskFull)

// tableFile is any file but a log. Its errors are Pebble's to handle.
type tableFile struct {
	vfs.File
	disk *disk
}

func (f *tableFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if err != nil {
		f.disk.pause()
	}
	return n, err
}

// logFile is a file of the log. Pebble writes to and closes it on one goroutine
// at a time; the engine's own fsyncs and retries come in beside that.
type logFile struct {
	vfs.File
	disk  *disk
	dirty atomic.Bool // there are bytes that no fsync has covered

	// using is held, shared, while the file is fsynced, and whole to close it.
	using  sync.RWMutex
	closed bool

	// mu guards what follows and orders the writes. It is not held during an
	// fsync.
	mu    sync.Mutex
	held  []byte // what did not fit on the disk; bounded by what is in flight
	lost  bool   // a write failed: what comes after it is dropped
	ended bool   // Pebble is done with the file
}

// Write never fails for Pebble. Once bytes are held, those that follow are too,
// so that the file stays what Pebble meant to write, up to some point.
func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.lost:
	case len(f.held) > 0:
		f.held = append(f.held, p...)
	default:
		f.write(p)
	}
	return len(p), nil
}

// write is called with mu held, and nothing in held that is not part of p.
func (f *logFile) write(p []byte) {
	n, err := f.File.Write(p)
	if n > 0 {
		f.dirty.Store(true)
	}
	switch {
	case err == nil:
		f.held = nil
	case vfs.IsNoSpaceError(err):
		f.held = append([]byte(nil), p[n:]...)
		f.disk.health.full(err)
	default:
		f.held, f.lost = nil, true
		f.disk.health.fail("writing the log", err)
	}
}

// Sync is vfs.File's, called once a file is at its end.
func (f *logFile) Sync() error { return f.SyncData() }

// SyncTo is vfs.File's; it promises nothing.
func (f *logFile) SyncTo(int64) (bool, error) { return false, nil }

// SyncData is how Pebble asks for what it has written to be durable.
func (f *logFile) SyncData() error {
	if f.disk.always && !f.holds() {
		// A failure is known to health, and asked for by disk.written.
		_ = f.fsync()
	}
	return nil
}

// fsync forces the file to the disk. After a failure nobody knows what is on the
// disk, and asking again may succeed without changing that: so it breaks the
// engine for good.
func (f *logFile) fsync() error {
	f.using.RLock()
	defer f.using.RUnlock()
	if f.closed || !f.dirty.Swap(false) {
		return nil
	}
	f.disk.fsyncs.Add(1)
	if err := f.File.SyncData(); err != nil {
		f.disk.health.fail("fsync of the log", err)
		return err
	}
	return nil
}

// Close ends the file, once all of it is written: Pebble's recovery relies on
// every log but the newest being complete, so that is forced to the disk too.
func (f *logFile) Close() error {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	// Failures are known to health; what is still held, the keeper settles.
	_ = f.settle()
	return nil
}

// settle tries to write what is held, and closes a file that has ended.
func (f *logFile) settle() error {
	f.mu.Lock()
	if len(f.held) > 0 {
		f.write(f.held)
	}
	held, ended := len(f.held) > 0, f.ended
	f.mu.Unlock()
	if held {
		return errHeld
	}
	if !ended {
		return nil
	}
	err := f.fsync()
	return errors.Join(err, f.release())
}

// release closes the file for good, once.
func (f *logFile) release() error {
	f.using.Lock()
	defer f.using.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	f.disk.mu.Lock()
	delete(f.disk.logs, f)
	f.disk.mu.Unlock()
	return f.File.Close()
}

func (f *logFile) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held) > 0
}
