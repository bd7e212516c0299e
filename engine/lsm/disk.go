package lsm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rldb/rldb/engine"
)

// logCategory is what Pebble says a file is for when it makes one for its log.
const logCategory = vfs.DiskWriteCategory("pebble-wal")

// disk is the file system as Pebble sees it. It decides what a sync of the log
// is (see the package's comment), and keeps errors from Pebble that could only
// end the process: what a full disk has no room for, of the log (logfile.go) or
// of Pebble's books, is held until it has; any other error of the log breaks
// the engine.
type disk struct {
	vfs.FS
	always atomic.Bool // pass syncs of the log on
	health *health
	fsyncs atomic.Int64 // of the log

	// patient is set once the engine is open: from then on Pebble's books wait
	// for room. Before, Open fails.
	patient atomic.Bool
	waiting atomic.Int64  // how many writes to the books wait now
	stop    chan struct{} // closed when nobody is to wait for anything
	giveUp  func()        // closes it, once

	// budget is how many bytes may be written until the next look at what the
	// disk has left; see Engine.short.
	budget atomic.Int64

	// mu guards the log files that are not yet synced for good, and how many
	// there have been. It may be taken with a log file's mu held, not the other
	// way around.
	mu   sync.Mutex
	logs map[*logFile]struct{}
	made uint64
}

func newDisk(fs vfs.FS, always bool, h *health) *disk {
	d := &disk{FS: fs, health: h, stop: make(chan struct{}), logs: map[*logFile]struct{}{}}
	d.always.Store(always)
	d.giveUp = sync.OnceFunc(func() { close(d.stop) })
	d.budget.Store(math.MaxInt64)
	return d
}

// isFull says whether an error means that there is no room.
func isFull(err error) bool { return vfs.IsNoSpaceError(err) || errors.Is(err, syscall.EDQUOT) }

// Unwrap is vfs.FS's.
func (d *disk) Unwrap() vfs.FS { return d.FS }

// Create is vfs.FS's.
func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if c == logCategory {
		return d.newLog(name), nil
	}
	f, err := d.FS.Create(name, c)
	if !isBook(c) {
		if err != nil {
			d.pause()
			return nil, err
		}
		return &tableFile{File: f, disk: d}, nil
	}
	for err != nil && d.wait(err) {
		f, err = d.FS.Create(name, c)
	}
	if err != nil {
		return nil, err
	}
	return &bookFile{File: f, disk: d}, nil
}

// ReuseForWrite is vfs.FS's. Only logs are used again; where that fails, a new
// one does.
func (d *disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	d.forget(from)
	f, err := d.FS.ReuseForWrite(from, to, c)
	if err == nil {
		return d.addLog(&logFile{File: f, name: to}), nil
	}
	// What is left of it is in nobody's way: a log older than all that count.
	_ = d.FS.Remove(from)
	return d.newLog(to), nil
}

// Remove is vfs.FS's.
func (d *disk) Remove(name string) error {
	never := d.forget(name)
	err := d.FS.Remove(name)
	if never && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// forget drops what is held of a log that is removed or used again: all of it is
// in tables by then. It reports whether the file had never come to be.
func (d *disk) forget(name string) (never bool) {
	for _, l := range d.open() {
		if l.name == name {
			never = l.forget()
		}
	}
	return never
}

// newLog makes a log file, if need be later: Pebble could not go on without.
func (d *disk) newLog(name string) vfs.File {
	l := &logFile{name: name}
	d.addLog(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !d.holdsBefore(l) {
		l.create(false) // health knows if that fails
	}
	return l
}

func (d *disk) addLog(l *logFile) *logFile {
	l.disk = d
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made++
	l.number = d.made
	d.logs[l] = struct{}{}
	return l
}

// wait waits before a write to Pebble's books is tried again. It is false if
// that is of no use.
func (d *disk) wait(err error) bool {
	if !isFull(err) || !d.patient.Load() {
		return false
	}
	d.health.full(err)
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	select {
	case <-d.stop:
		return false
	case <-time.After(retryPause):
		return true
	}
}

// spend counts bytes that are about to be written, and has writes refused when
// what was left of the disk at the last look is used up.
func (d *disk) spend(n int) {
	if d.budget.Add(-int64(n)) < 0 {
		d.health.full(errReserve)
	}
}

var errReserve = errors.New("only what is kept free is left")

// retryPause is how long a failed write is kept from being tried again: Pebble
// repeats what it does in the background at once.
const retryPause = 50 * time.Millisecond

func (d *disk) pause() {
	select {
	case <-d.stop:
	case <-time.After(retryPause):
	}
}

// open gives the log files of now, the oldest first.
func (d *disk) open() []*logFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Keys(d.logs), func(a, b *logFile) int { return cmp.Compare(a.number, b.number) })
}

// holdsBefore says whether a log that is older than l holds bytes. Then l holds
// its own too, so that no later write is on the disk without the earlier ones.
func (d *disk) holdsBefore(l *logFile) bool {
	for _, o := range d.open() {
		if o.number < l.number && o.holds() {
			return true
		}
	}
	return false
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

// isBook says what a file is for that is neither log nor table: Pebble's list of
// tables (MANIFEST) and what names the current one. Where these cannot be
// written Pebble ends the process, so writing them waits for room.
func isBook(c vfs.DiskWriteCategory) bool {
	return c == "pebble-manifest" || c == vfs.WriteCategoryUnspecified
}

// bookFile is such a file. Pebble writes to it with only its lock of the
// MANIFEST held, which Metrics needs (see Engine.look).
type bookFile struct {
	vfs.File
	disk *disk
}

// Write is vfs.File's.
func (f *bookFile) Write(p []byte) (done int, err error) {
	f.disk.spend(len(p))
	for {
		n, err := f.File.Write(p[done:])
		done += n
		if err == nil || !f.disk.wait(err) {
			return done, err
		}
	}
}

// tableFile is any other file but a log. Its errors are Pebble's to handle.
type tableFile struct {
	vfs.File
	disk *disk
}

// Write is vfs.File's.
func (f *tableFile) Write(p []byte) (int, error) {
	f.disk.spend(len(p))
	n, err := f.File.Write(p)
	if err != nil {
		f.disk.pause()
	}
	return n, err
}
