package bitcask

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
)

// TestDiskUse writes, overwrites and deletes five times the live data, and then
// deletes half of the keys for good. At every write of any file, all files
// together are below twice the live data and two segments: what a merge is writing
// beside what it replaces is in that. In the end one transaction deletes half of
// what is left, and merging comes below the new bound with nobody writing.
func TestDiskUse(t *testing.T) {
	type test struct {
		size, segments int
		segment        int64
		procs          int
	}
	tests := []test{{64, 8, 256 << 10, 0}, {64, 8, 256 << 10, 1}, {1000, 8, 512 << 10, 0}, {1000, 3, 512 << 10, 0}}
	if soak() { // 128 MB live
		tests = []test{{64, 8, 16 << 20, 0}, {1000, 8, 16 << 20, 0}, {64, 30, 512 << 10, 0}}
	}
	for _, test := range tests {
		name := fmt.Sprintf("values of %d, %d segments of %d KB, %d processors", test.size, test.segments, test.segment>>10, test.procs)
		t.Run(name, func(t *testing.T) {
			if test.procs > 0 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(test.procs))
			}
			diskUse(t, test.size, test.segments, test.segment)
		})
	}
}

func diskUse(t *testing.T, size, segments int, segment int64) {
	live := segments * int(segment)
	m := &meter{FS: hasty{OS()}, files: map[string]*int64{}}
	o := Options{Dir: t.TempDir(), FS: m, Fsync: No, SegmentBytes: segment, ScrubBytesPerSecond: -1}
	o.MergeBytesPerSecond = 1 << 20 // it must see for itself when that is too slow
	e := open(t, o)
	m.allowed = func() int64 { return 2*e.ledger.live.Load() + 2*segment }
	u := newUser(t, e, size, live/(16+metaSize+size))
	for i := range u.keys {
		u.change(i, engine.Put)
	}
	loaded := u.written
	for n := 0; u.written < 6*loaded; n++ {
		if i := rand.IntN(u.keys); n%3 > 0 {
			u.change(i, engine.Put)
		} else {
			u.change(i, engine.Delete)
			u.change(i, engine.Put)
		}
		if n%100 == 0 {
			must(t, e.Flush())
		}
	}
	for i := 0; i < u.keys; i += 2 {
		u.change(i, engine.Delete)
		if i%100 == 0 {
			must(t, e.Flush())
		}
	}
	must(t, e.Flush())
	m.mu.Lock()
	over, share, most := m.over, m.share, m.most
	m.mu.Unlock()
	deleteAtOnce(t, u, m)
	t.Logf("%d KB live, %d KB written, segments of %d KB: at the most %d KB of files, %.1f %% of twice the live data and two segments; %d merges, %d KB merged",
		e.ledger.live.Load()>>10, u.written>>10, segment>>10, most>>10, 100*share, e.figures.merges.Load(), e.figures.mergedBytes.Load()>>10)
	if m.mu.Lock(); over > 0 || m.over > 0 {
		t.Errorf("%d times too much was on the disk, %d times all in all", over, m.over)
	}
	m.mu.Unlock()
	must(t, e.Close())
	if files, counted := dirBytes(t, o.Dir), m.bytes(); files != counted {
		t.Errorf("%d bytes of files, %d were counted", files, counted)
	}
}

// deleteAtOnce deletes half of what diskUse has left in one transaction. There is
// never more on the disk than was allowed before and the transaction takes.
func deleteAtOnce(t *testing.T, u *user, m *meter) {
	e, all := u.e, &engine.Txn{Mode: engine.Blind, Step: deleteStep{}}
	for i := 1; i < u.keys; i += 4 {
		name := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(i))[:16]
		hash := engine.Hash(name)
		all.Keys = append(all.Keys, engine.Key{Slot: uint16(hash % engine.Slots), Hash: hash, Name: name})
	}
	marker := head{kind: kindDelete, name: 16}
	bound := m.allowed
	before := bound() + int64(len(all.Keys))*(marker.size()+noteSize(&marker))
	m.mu.Lock()
	m.allowed = func() int64 { return before }
	m.mu.Unlock()
	keys := e.Stats().Keys
	for !e.Try(all) {
		must(t, e.room())
	}
	must(t, all.Err)
	if n := e.Stats().Keys; n != keys-int64(len(all.Keys)) {
		t.Fatalf("%d of %d keys are left, after %d were deleted", n, keys, len(all.Keys))
	}
	must(t, e.Flush())
	eventually(t, "merges have made room", func() bool { return m.bytes() <= bound() })
}

type deleteStep struct{}

func (deleteStep) Decide(t *engine.Txn) {
	for i := range t.New {
		t.New[i].Action = engine.Delete
	}
}

func (deleteStep) Done(*engine.Txn) {}

// TestLedger: what the ledger says that the disk holds is what it holds, through
// merges, drops and restarts, with and without hints.
func TestLedger(t *testing.T) {
	o := tiny(Options{Dir: t.TempDir(), FS: hasty{OS()}, Fsync: No})
	o.ScrubBytesPerSecond = -1
	for round := range 6 {
		e := open(t, o)
		u := newUser(t, e, 50, 100)
		for n := range 500 {
			u.change(n*7919%u.keys, engine.Put)
			if n%3 == 0 {
				u.change(n*31%u.keys, engine.Delete)
			}
		}
		must(t, e.Drop(u.key[0].Slot))
		must(t, e.Sync())
		e.awaitMerges()
		close(e.quit) // nothing moves any more
		e.running.Wait()
		disk, owed := int64(0), int64(0)
		for _, s := range e.segments.all() {
			disk += s.disk()
			owed += s.owed.Load()
		}
		if l := &e.ledger; l.disk.Load() != disk || l.owed.Load() != owed || l.pending.Load() != 0 {
			t.Errorf("round %d: the ledger has %d bytes on disk, %d owed, %d pending; there are %d, and %d owed",
				round, l.disk.Load(), l.owed.Load(), l.pending.Load(), disk, owed)
		}
		files := dirBytes(t, o.Dir)
		if others := files - disk; others < 0 || others > 4<<10 { // ENGINE, SEGMENTS
			t.Errorf("round %d: %d bytes of files, %d of segments and hints", round, files, disk)
		}
		e.quit = make(chan struct{}) // for Close
		if round%2 == 0 {
			kill(t, e)
		} else {
			must(t, e.Close())
		}
	}
}

// meter is a file system that counts what its files hold.
type meter struct {
	FS
	mu      sync.Mutex // guards the rest, and every count
	files   map[string]*int64
	total   int64
	allowed func() int64
	over    int     // how often it was too much
	share   float64 // of what is allowed, at the most
	most    int64
}

type meteredFile struct {
	File
	m *meter
	n *int64
}

// add changes the count of a file.
func (m *meter) add(n *int64, by int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*n += by
	m.total += by
	if m.allowed == nil || by <= 0 {
		return
	}
	allowed := m.allowed()
	m.most = max(m.most, m.total)
	m.share = max(m.share, float64(m.total)/float64(allowed))
	if m.total > allowed {
		m.over++
	}
}

func (m *meter) bytes() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// name puts a count under a name, and takes away what was there.
func (m *meter) name(name string, n *int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.files[name]; old != nil {
		m.total -= *old
	}
	delete(m.files, name)
	if n != nil {
		m.files[name] = n
	}
}

func (m *meter) Create(name string) (File, error) {
	f, err := m.FS.Create(name)
	if err != nil {
		return nil, err
	}
	n := new(int64)
	m.name(name, n)
	return meteredFile{f, m, n}, nil
}

func (m *meter) Open(name string, write bool) (File, error) {
	f, err := m.FS.Open(name, write)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.files[name]; err == nil && n != nil {
		return meteredFile{f, m, n}, nil
	}
	return f, err
}

func (m *meter) Rename(from, to string) error {
	err := m.FS.Rename(from, to)
	if err == nil {
		m.mu.Lock()
		n := m.files[from]
		delete(m.files, from)
		m.mu.Unlock()
		m.name(to, n)
	}
	return err
}

func (m *meter) Remove(name string) error {
	err := m.FS.Remove(name)
	if err == nil {
		m.name(name, nil)
	}
	return err
}

func (f meteredFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.m.add(f.n, int64(n))
	return n, err
}

func (f meteredFile) Truncate(size int64) error {
	err := f.File.Truncate(size)
	if err == nil {
		f.m.add(f.n, size-*f.n)
	}
	return err
}

// user changes keys of 16 bytes one by one.
type user struct {
	t       *testing.T
	e       *Engine
	txn     engine.Txn
	key     [1]engine.Key
	name    [16]byte
	value   []byte
	action  engine.Action
	keys    int
	written int // bytes of keys, metas and values
}

func newUser(t *testing.T, e *Engine, size, keys int) *user {
	u := &user{t: t, e: e, value: make([]byte, size), keys: keys}
	u.txn = engine.Txn{Keys: u.key[:], Mode: engine.Blind, Step: u}
	return u
}

func (u *user) Decide(t *engine.Txn) { t.New[0] = engine.Change{Action: u.action, Body: u.value} }

func (u *user) Done(*engine.Txn) {}

// change puts or deletes a key, waiting as a call of the pool would.
func (u *user) change(i int, a engine.Action) {
	binary.BigEndian.PutUint64(u.name[:], uint64(i))
	hash := engine.Hash(u.name[:])
	u.key[0] = engine.Key{Slot: uint16(hash % engine.Slots), Hash: hash, Name: u.name[:]}
	u.action = a
	for !u.e.Try(&u.txn) {
		must(u.t, u.e.room())
	}
	must(u.t, u.txn.Err)
	u.written += len(u.name)
	if a == engine.Put {
		u.written += metaSize + len(u.value)
	}
}

// dirBytes is what the files of a directory take.
func dirBytes(t *testing.T, dir string) (n int64) {
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // a merge has just removed it
		}
		must(t, err)
		n += info.Size()
	}
	return n
}
