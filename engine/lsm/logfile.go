package lsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logFile is a file of the log. Pebble writes to and closes it on one goroutine
// at a time; the engine's own fsyncs and retries come in beside that.
type logFile struct {
	// File is nil until there is room to make it. It is set with mu held, and
	// before dirty is; who reads it without mu has seen dirty.
	vfs.File
	name   string
	number uint64 // rises from log to log
	disk   *disk
	dirty  atomic.Bool // there are bytes that no fsync has covered

	// using is held, shared, while the file is fsynced, and whole to close it.
	using  sync.RWMutex
	closed bool
	// syncing is held during an fsync, with using: who finds nothing dirty, because
	// an fsync of it is under way, must not be told so before that is over.
	syncing sync.Mutex

	// mu guards what follows and orders the writes. It is not held during an
	// fsync of the file. Of two log files' mu, the newer one's is taken first.
	mu    sync.Mutex
	held  []byte // what did not fit on the disk; bounded by what is in flight
	lost  bool   // a write failed: what comes after it is dropped
	ended bool   // Pebble is done with the file
}

// Write never fails for Pebble. Once bytes are held, those that follow are too,
// so that the file stays what Pebble meant to write, up to some point.
func (f *logFile) Write(p []byte) (int, error) {
	f.disk.spend(len(p))
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.lost:
	case len(f.held) > 0 || f.disk.holdsBefore(f):
		f.held = append(f.held, p...)
	default:
		f.write(p)
	}
	return len(p), nil
}

// write is called with mu held, and nothing in held that is not part of p.
func (f *logFile) write(p []byte) {
	if f.File == nil && !f.create(true) {
		if !f.lost {
			f.held = append([]byte(nil), p...)
		}
		return
	}
	n, err := f.File.Write(p)
	if n > 0 {
		f.dirty.Store(true)
	}
	switch {
	case err == nil:
		f.held = nil
	case isFull(err):
		f.held = append([]byte(nil), p[n:]...)
		f.disk.health.full(err)
	default:
		f.lose("writing the log", err)
	}
}

// create makes the file, with mu held, if there is room. Late: Pebble has synced
// the directory without it.
func (f *logFile) create(late bool) bool {
	fs := f.disk.FS
	file, err := fs.Create(f.name, logCategory)
	if err == nil && late {
		if err = syncDir(fs, fs.PathDir(f.name)); err != nil {
			err = fmt.Errorf("fsync of the directory: %w", errors.Join(err, file.Close()))
		}
	}
	if err == nil {
		f.File = file
		return true
	}
	if isFull(err) {
		f.disk.health.full(err)
	} else {
		f.lose("making a log", err)
	}
	return false
}

// lose has all that comes dropped, with mu held.
func (f *logFile) lose(doing string, err error) {
	f.held, f.lost = nil, true
	f.disk.health.fail(doing, err)
}

// forget drops what is held, and reports whether that is all there is. What is
// written from now on is dropped too.
func (f *logFile) forget() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held, f.lost = nil, true
	return f.File == nil
}

// Fd is vfs.File's.
func (f *logFile) Fd() uintptr {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.File == nil {
		return vfs.InvalidFd // so that nobody preallocates
	}
	return f.File.Fd()
}

// Stat is vfs.File's: Pebble asks for the size of a log that it uses again.
func (f *logFile) Stat() (vfs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.File == nil {
		dir, err := f.disk.FS.Stat(f.disk.FS.PathDir(f.name))
		return noFile{dir}, err
	}
	return f.File.Stat()
}

// noFile is about a file that is yet to be made.
type noFile struct{ vfs.FileInfo }

func (noFile) Size() int64 { return 0 }

// Sync is vfs.File's, called once a file is at its end.
func (f *logFile) Sync() error { return f.SyncData() }

// SyncTo is vfs.File's; it promises nothing.
func (f *logFile) SyncTo(int64) (bool, error) { return false, nil }

// SyncData is how Pebble asks for what it has written to be durable.
func (f *logFile) SyncData() error {
	if f.disk.always.Load() && !f.holds() {
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
	f.syncing.Lock()
	defer f.syncing.Unlock()
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
	if len(f.held) > 0 && !f.disk.holdsBefore(f) {
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
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.File == nil {
		return nil // nothing was written to it
	}
	return f.File.Close()
}

func (f *logFile) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held) > 0
}
