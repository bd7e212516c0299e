package bitcask

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// slowFile lets a write begin only when its gate is open.
type slowFile struct {
	File
	gate, entered chan struct{}
}

func (f slowFile) Write(b []byte) (int, error) {
	select {
	case f.entered <- struct{}{}:
	default:
	}
	<-f.gate
	return f.File.Write(b)
}

// startPut starts a put, as a connection does with a large value.
func startPut(e *Engine, name, value string) (done chan error, t *engine.Txn) {
	p := &startedPut{value: []byte(value), done: make(chan error, 1)}
	t = &engine.Txn{Keys: []engine.Key{enginetest.Key(slotOf(name), name)}, Mode: engine.Write, Step: p}
	e.Start(t)
	return p.done, t
}

type startedPut struct {
	value []byte
	done  chan error
}

func (p *startedPut) Decide(t *engine.Txn) {
	t.New[0] = engine.Change{Action: engine.Put, Meta: engine.Meta{7}, Head: p.value[:3], Body: p.value[3:]}
}

func (p *startedPut) Done(t *engine.Txn) {
	clear(p.value) // nothing may refer to it any more
	p.done <- t.Err
}

// While a large value is written nothing else waits for that but what must: Flush
// and Try return, other writes are appended, and they are answered for only when
// the value is written, which they come after.
func TestLargeValueIsNotWaitedFor(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes, o.large, o.TailBytes = 1<<20, 100<<10, 1<<20
	e := open(t, o)
	must(t, set(e, "first", "value"))
	s := e.segments.ordered()[0]
	slow := slowFile{s.file, make(chan struct{}), make(chan struct{}, 1)}
	s.file = slow
	value := strings.Repeat("0123456789", 20<<10)
	done, txn := startPut(e, "large", value)
	<-slow.entered

	pos := append1(t, e, "other", "small") // would hang if the log were locked
	must(t, e.Flush())
	answered := make(chan error, 1)
	e.Await(pos, func(err error) { answered <- err })
	want(t, e, "other", "small")
	read := &engine.Txn{Keys: []engine.Key{enginetest.Key(slotOf("large"), "large")}, Step: putStep("")}
	if e.Try(read) {
		t.Error("the large value was read at once")
	}
	select {
	case <-answered:
		t.Error("a write was answered for before it was written")
	case <-done:
		t.Error("the large value is said to be appended, and its memory is still needed")
	default:
	}
	close(slow.gate)
	must(t, <-done)
	must(t, <-answered)
	must(t, enginetest.Await(e, txn.Pos))
	want(t, e, "large", value)
	for range 6 { // it is in the page cache, mostly
		if e.Try(read) {
			t.Error("the large value was copied by who may serve others")
		}
	}
	if n := e.wal.loans.Load(); n != 0 {
		t.Errorf("%d chunks are lent", n)
	}
	kill(t, e)
	o.FS = fs.killed()
	e = open(t, o)
	want(t, e, "large", value)
	want(t, e, "other", "small")
	must(t, e.Close())
}

// A large value that finds no room on the disk is copied before its caller's
// memory is given back, and written when there is room.
func TestLargeValueWithoutRoom(t *testing.T) {
	fs := newMemFS()
	o := quiet(fs)
	o.SegmentBytes, o.large = 1<<20, 100<<10
	e := open(t, o)
	must(t, set(e, "first", "value"))
	fs.setRoom(120 << 10) // in the middle of the value
	value := strings.Repeat("0123456789", 20<<10)
	done, txn := startPut(e, "large", value)
	must(t, <-done)
	if err := enginetest.Await(e, txn.Pos); !errors.Is(err, engine.ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without room: error %v", err)
	}
	want(t, e, "large", value)
	fs.setRoom(-1)
	eventually(t, "writes go on", func() bool { return set(e, "other", "late") == nil })
	want(t, e, "large", value)
	kill(t, e)
	o.FS = fs.killed()
	e = open(t, o)
	want(t, e, "large", value)
	want(t, e, "other", "late")
	must(t, e.Close())
}
