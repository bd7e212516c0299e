package bitcask

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/rldb/rldb/engine"
)

// TestDiskUse writes, overwrites and deletes five times the live data, and looks
// at the files of the directory all the while: they stay below twice the live
// data and two segments, and a third for what a merge is writing, or has just
// written beside what it replaces. Once no merge runs, two are enough.
func TestDiskUse(t *testing.T) {
	for name, size := range map[string]int{"values of 64": 64, "values of 1000": 1000} {
		t.Run(name, func(t *testing.T) {
			live, segment := 4<<20, int64(512<<10)
			if os.Getenv("RLDB_SOAK") != "" {
				live, segment = 1<<30, 64<<20
			}
			dir := t.TempDir()
			e := open(t, Options{Dir: dir, FS: hasty{OS()}, Fsync: No, SegmentBytes: segment, ScrubBytesPerSecond: -1})
			u := newUser(t, e, size, live/(16+metaSize+size))
			for i := range u.keys {
				u.change(i, engine.Put)
			}
			loaded := u.written
			var most int64
			allowed := func() int64 { return 2*e.live.Load() + 2*segment }
			var share float64 // of that, at the most
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
				if n%500 == 0 {
					used := dirBytes(t, dir)
					most, share = max(most, used), max(share, float64(used)/float64(allowed()))
					if used > allowed()+segment {
						t.Fatalf("%d bytes of files, with %d live bytes and segments of %d", used, e.live.Load(), segment)
					}
				}
			}
			t.Logf("%d KB live, %d KB written, segments of %d KB: at the most %d KB of files, %.0f %% of twice the live data and two segments; %d merges, %d KB merged",
				e.live.Load()>>10, u.written>>10, segment>>10, most>>10, 100*share, e.figures.merges.Load(), e.figures.mergedBytes.Load()>>10)
			must(t, e.Flush())
			eventually(t, "two segments are enough", func() bool { return dirBytes(t, dir) < allowed() })
			must(t, e.Close())
		})
	}
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
