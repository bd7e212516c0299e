package bitcask

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// problemsOf collects what Verify reports.
func problemsOf(t *testing.T, fs FS) (all []Problem) {
	t.Helper()
	v, err := Verify("data", fs, func(p Problem) { all = append(all, p) })
	must(t, err)
	if v.Faults != len(all) || v.Segments == 0 {
		t.Errorf("%+v, and %d problems", v, len(all))
	}
	return all
}

// TestFlippedBit flips every byte of an entry in the middle of a segment, one
// after the other. What is there is never served; it is reported with file and
// offset; the keys around it stay readable.
func TestFlippedBit(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "before", "b"))
	must(t, set(e, "middle", "the value"))
	must(t, set(e, "after", "a"))
	must(t, e.Close())
	file := e.opts.Dir + "/0000000001.seg"
	from := headerSize + putSize(len("before"), 1)
	for off := from; off < from+putSize(len("middle"), 9); off++ {
		for _, hint := range []bool{true, false} {
			bad := fs.killed()
			bad.flip(file, off)
			o.FS = bad
			if ps := problemsOf(t, bad); len(ps) != 1 || ps[0].File != file || ps[0].Offset != from {
				t.Fatalf("byte %d: Verify reported %v, want the entry at %d", off, ps, from)
			}
			if !hint {
				must(t, bad.Remove(file[:len(file)-len(dataSuffix)]+hintSuffix))
			}
			o.ScrubBytesPerSecond = 1 << 30
			e := open(t, o)
			want(t, e, "before", "b")
			want(t, e, "after", "a")
			v, err := get(e, "middle")
			if v != "" || hint && !errors.Is(err, engine.ErrCorrupt) || hint && !strings.Contains(err.Error(), fmt.Sprintf("offset %d of %s", from, file)) {
				t.Fatalf("byte %d: the damaged value is %q, error %v", off, v, err)
			}
			eventually(t, "the damage is counted", func() bool { return figure(e, "corrupt_entries") == 1 })
			must(t, set(e, "middle", "anew"))
			want(t, e, "middle", "anew")
			must(t, e.Close())
		}
	}
}

// TestScrub finds damage that nobody reads.
func TestScrub(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.ScrubBytesPerSecond = 1 << 30
	var log lockedBuffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	e := open(t, o)
	must(t, set(e, "key", "value"))
	seal(t, e)
	s := e.segments.ordered()[0]
	fs.flip(s.name, s.size.Load()-1)
	eventually(t, "the scrub reports it", func() bool { return figure(e, "corrupt_entries") == 1 })
	if text := log.String(); !strings.Contains(text, s.name) || !strings.Contains(text, fmt.Sprint("offset=", headerSize)) {
		t.Errorf("the log names neither file nor offset: %s", text)
	}
	must(t, e.Close())
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestTornTail cuts the last segment off at every byte.
func TestTornTail(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "first", "1"))
	must(t, set(e, "second", "2"))
	must(t, e.Sync())
	kill(t, e)
	const file = "data/0000000001.seg"
	data := fs.contents(file)
	size := int64(len(data))
	second := headerSize + putSize(len("first"), 1)
	for cut := second; cut < size; cut++ {
		torn := fs.killed()
		torn.names[file] = &inode{data: bytes.Clone(data[:cut])}
		if ps := problemsOf(t, torn); len(ps) != 0 {
			t.Errorf("Verify takes a torn tail for damage: %v", ps)
		}
		var log lockedBuffer
		o.FS, o.Log = torn, slog.New(slog.NewTextHandler(&log, nil))
		e := open(t, o)
		want(t, e, "first", "1")
		want(t, e, "second", "")
		if n := int64(len(torn.contents(file))); n != second || figure(e, "torn_bytes") != cut-second {
			t.Errorf("cut at %d: the file has %d bytes, want %d", cut, n, second)
		}
		line := fmt.Sprintf("file=%s offset=%d bytes=%d", file, second, cut-second)
		if cut > second && !strings.Contains(log.String(), line) {
			t.Errorf("cut at %d: the log says %s", cut, log.String())
		}
		if e.Clean() {
			t.Error("a kill counts as a clean stop")
		}
		must(t, e.Close())
	}
}

func TestRefusedDirectories(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	e := open(t, o)
	if _, err := Open(o); !errors.Is(err, ErrLocked) {
		t.Errorf("a second engine: error %v", err)
	}
	if _, err := Verify(o.Dir, nil, nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Verify of a running engine: error %v", err)
	}
	must(t, e.Close())
	must(t, open(t, o).Close())
	for text, say := range map[string]string{
		"rldb engine=lsm format=1\n": "data of the engine lsm, not of bitcask", "rldb engine=bitcask format=2\n": "use the version that wrote it", "": "no file ENGINE",
	} {
		fs := newMemFS()
		name := engine.MarkFile
		if text == "" {
			name = "something else"
		}
		must(t, writeFile(fs, "data", name, text))
		_, err := Open(quiet(fs))
		if !errors.Is(err, engine.ErrDirectory) || !strings.Contains(err.Error(), say) {
			t.Errorf("a directory that says %q: error %v", text, err)
		}
	}
}

// TestDiskFull: writes are refused with a clear error while there is no room,
// reads go on, and so do writes when there is room again.
func TestDiskFull(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	e := open(t, o)
	must(t, set(e, "key", "value"))
	fs.setRoom(10) // in the middle of an entry
	err := set(e, "key", "lost or late")
	if !errors.Is(err, engine.ErrDiskFull) {
		t.Fatalf("a write without room: error %v", err)
	}
	if err := set(e, "other", "value"); !errors.Is(err, engine.ErrDiskFull) {
		t.Errorf("the next write: error %v", err)
	}
	if err := e.Sync(); !errors.Is(err, engine.ErrDiskFull) {
		t.Errorf("Sync: error %v", err)
	}
	if _, err := get(e, "key"); err != nil {
		t.Errorf("a read: %v", err)
	}
	want(t, e, "other", "")
	fs.setRoom(-1)
	eventually(t, "writes go on", func() bool { return set(e, "other", "late") == nil })
	kill(t, e)
	o.FS = fs.killed()
	e = open(t, o)
	want(t, e, "other", "late")
	want(t, e, "key", "lost or late")
	if n := figure(e, "corrupt_entries") + figure(e, "torn_bytes"); n != 0 {
		t.Error("the log was not well-formed")
	}
	must(t, e.Close())
}

func (m *memFS) setRoom(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.room = n
}

// setFail makes calls fail from now on.
func (m *memFS) setFail(f func(call, name string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

// TestFailedFsync: after a failed fsync, or write, nothing is acknowledged any
// more, however often it is asked for, and reads go on.
func TestFailedFsync(t *testing.T) {
	for _, call := range []string{"sync", "write"} {
		fs := newMemFS()
		o := quiet(fs)
		o.Fsync = Always
		e := open(t, o)
		must(t, set(e, "key", "value"))
		var failures atomic.Int64
		fs.setFail(func(what, name string) error {
			if what == call && strings.HasSuffix(name, dataSuffix) && failures.Add(1) == 1 {
				return syscall.EIO
			}
			return nil
		})
		for range 3 {
			if err := set(e, "key", "new"); !errors.Is(err, engine.ErrBroken) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s failed: the write's error is %v", call, err)
			}
			if err := e.Sync(); !errors.Is(err, engine.ErrBroken) {
				t.Fatalf("%s failed: Sync's error is %v", call, err)
			}
		}
		if n := failures.Load(); n != 1 {
			t.Errorf("after the failed %s there were %d more", call, n-1)
		}
		if _, err := get(e, "key"); err != nil {
			t.Errorf("%s failed: a read: %v", call, err)
		}
		if err := e.Close(); !errors.Is(err, engine.ErrBroken) {
			t.Errorf("%s failed: Close's error is %v", call, err)
		}
		fs.setFail(nil)
		e = open(t, o)
		if e.Clean() {
			t.Error("that was no clean stop")
		}
		must(t, e.Close())
	}
}

// TestGroupCommit: those who wait while an fsync runs share the next one.
func TestGroupCommit(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.Fsync, o.SegmentBytes = Always, 1<<20
	e := open(t, o)
	must(t, set(e, "first", "value"))
	before := figure(e, "fsyncs")
	gate, entered := make(chan struct{}), make(chan struct{}, 1)
	slow := &gated{memFS: fs, gate: gate, entered: entered}
	e.segments.ordered()[0].file = gatedFile{e.segments.ordered()[0].file, slow}
	const writers = 100
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			if err := set(e, fmt.Sprint("key", i), "value"); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered // the first is at its fsync; the others come together
	eventually(t, "all of them wait", func() bool {
		e.wal.mu.Lock()
		defer e.wal.mu.Unlock()
		return len(e.wal.mu.waiters) == writers
	})
	close(gate)
	wg.Wait()
	if n := figure(e, "fsyncs") - before; n > 3 {
		t.Errorf("%d fsyncs for %d writers", n, writers)
	}
	must(t, e.Close())
}

// gated lets an fsync begin only when its gate is open.
type gated struct {
	*memFS
	gate    chan struct{}
	entered chan struct{}
}

type gatedFile struct {
	File
	by *gated
}

func (f gatedFile) Sync() error {
	select {
	case f.by.entered <- struct{}{}:
	default:
	}
	<-f.by.gate
	return f.File.Sync()
}

// TestBusy: a full pool fails with a clear error, and nothing has happened.
func TestBusy(t *testing.T) {
	o := quiet(newMemFS())
	e, err := load(o) // without anybody who would take work
	must(t, err)
	k := []engine.Key{enginetest.Key(1, "k")}
	n := o.ReadPool * queuePerRead
	done := make(chan error, n+1)
	for range n + 1 {
		e.Start(&engine.Txn{Keys: k, Step: doneStep(done)})
	}
	if err := <-done; !errors.Is(err, ErrBusy) {
		t.Errorf("call %d: error %v", n+1, err)
	}
	must(t, e.release())
}

type doneStep chan error

func (d doneStep) Decide(*engine.Txn) {}
func (d doneStep) Done(t *engine.Txn) { d <- t.Err }
