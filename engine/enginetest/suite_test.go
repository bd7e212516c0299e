package enginetest

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
)

// TestSuite runs the suite on the simplest engine there can be, one that never
// does anything at once: so that the suite is known to ask for no more than the
// interface promises, and to drive engines that have to wait for a disk.
func TestSuite(t *testing.T) {
	disks := map[string]twin{} // what is on disk, by directory
	open := func(_ *testing.T, dir string) engine.Engine {
		s := &simple{contents: twin{}}
		for slot, records := range disks[dir] {
			s.contents[slot] = maps.Clone(records)
		}
		disks[dir] = s.contents
		return s
	}
	Run(t, open, Caps{
		Durable: true,
		Crash:   func(t *testing.T, e engine.Engine) { closeEngine(t, e) },
	})
}

// simple is a map behind a lock.
type simple struct {
	mu       sync.Mutex
	contents twin
	closed   bool
}

func (s *simple) Try(*engine.Txn) bool      { return false }
func (s *simple) TryScan(*engine.Scan) bool { return false }
func (s *simple) Prefetch([]engine.Key)     {}

func (s *simple) Start(t *engine.Txn) {
	go func() {
		s.txn(t)
		t.Step.Done(t)
	}()
}

func (s *simple) StartScan(sc *engine.Scan) {
	go func() {
		s.scan(sc)
		sc.Done(sc)
	}()
}

func (s *simple) Await(_ engine.Position, done func(error)) { go done(nil) }

func (s *simple) Flush() error { return s.Sync() }

func (s *simple) txn(t *engine.Txn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Prepare()
	if t.Err = s.check(); t.Err != nil {
		return
	}
	for i, k := range t.Keys {
		if len(k.Name) > engine.MaxKey {
			t.Err = engine.ErrTooLarge
			return
		}
		if r, ok := s.contents.get(k); ok {
			t.Old[i] = engine.Entry{Found: true, Meta: r.Meta, Value: []byte(r.Value)}
		}
	}
	t.Step.Decide(t)
	for _, ch := range t.New {
		if len(ch.Head)+len(ch.Body) > engine.MaxValue {
			t.Err = engine.ErrTooLarge
			return
		}
	}
	for i, k := range t.Keys {
		if t.Mode != engine.Read {
			s.contents.apply(k, t.New[i])
		}
	}
	for i := range t.Old { // memory handed out is not the caller's to keep
		copy(t.Old[i].Value, bytes.Repeat([]byte("gone"), len(t.Old[i].Value)/4+1))
	}
}

func (s *simple) scan(sc *engine.Scan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sc.Err = s.check(); sc.Err != nil {
		return
	}
	for _, r := range s.contents.sorted(sc.Slot, sc.From, everything, sc.Values) {
		if !sc.Visit.Visit(Key(sc.Slot, r.Name), engine.Entry{Found: true, Meta: r.Meta, Value: []byte(r.Value)}) {
			return
		}
	}
}

func (s *simple) check() error {
	if s.closed {
		return engine.ErrClosed
	}
	return nil
}

func (s *simple) Len(slot uint16) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.contents[slot]))
}

func (s *simple) Drop(slot uint16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.contents, slot)
	return s.check()
}

func (s *simple) Stats() engine.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.contents.liveBytes()
	return engine.Stats{Keys: s.contents.keys(), LiveBytes: n, UsedBytes: n}
}

func (s *simple) UsedBytes() int64 { return s.Stats().UsedBytes }

func (s *simple) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.check()
}

func (s *simple) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.check()
	s.closed = true
	return err
}

// NameWithHash checks its own result; the names have to differ, too.
func TestNameWithHash(t *testing.T) {
	for _, hash := range []uint64{0, 1, 1 << 63, 0xdeadbeef, ^uint64(0)} {
		var names []string
		for n := range uint64(100) {
			names = append(names, string(NameWithHash(hash, n)))
		}
		slices.Sort(names)
		if n := len(slices.Compact(names)); n != 100 {
			t.Errorf("%d names of hash %x, want 100", n, hash)
		}
	}
}
