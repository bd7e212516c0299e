package replica

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
)

// noting is the memory engine, as one that stays when it is closed, and hands
// notes on.
type noting struct {
	engine.Engine
	note  []byte
	scans atomic.Int64
}

func (n *noting) Note() []byte        { return n.note }
func (n *noting) SetNote(note []byte) { n.note = note }
func (n *noting) Close() error        { return nil }

func (n *noting) TryScan(s *engine.Scan) bool {
	n.scans.Add(1)
	return n.Engine.TryScan(s)
}

func openNoting(n *noting, ms int64) *Store {
	s := Open(Options{Engine: n, Actor: 7, Clock: record.NewClock(func() int64 { return ms }),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	s.SetActiveExpire(false)
	return s
}

type setter struct{ at int64 }

func (x setter) Decide(t *Txn) { t.Set(0, []byte("v"), x.at) }
func (setter) Done(*Txn)       {}

// TestNote: a store that is opened with the note of the last stop has the figures
// that going through all entries would give, and has not gone through them.
func TestNote(t *testing.T) {
	const now = 1_700_000_000_000
	n := &noting{Engine: memory.New()}
	s := openNoting(n, now)
	for i := range 300 {
		var x Txn
		x.Reset(s, Write, now, setter{map[bool]int64{true: now + int64(i)*1000}[i%3 == 1]})
		x.Key([]byte{byte(i), byte(i >> 8)})
		s.Do(&x)
	}
	s.Close()
	noted := n.note
	n.scans.Store(0)
	s = openNoting(n, now)
	if scans := n.scans.Load(); scans > 0 {
		t.Errorf("%d scans, though there was a note", scans)
	}
	n.note = nil
	again := openNoting(n, now)
	if n.scans.Load() == 0 {
		t.Error("no scans, though there was no note")
	}
	keys, sum := s.Expiring(nil)
	wantKeys, wantSum := again.Expiring(nil)
	if keys != wantKeys || sum != wantSum || keys != 100 {
		t.Errorf("%d keys expire, sum %d; want %d and %d", keys, sum, wantKeys, wantSum)
	}
	for i := range s.slots {
		if got, want := s.slots[i].due.Load(), again.slots[i].due.Load(); got != want {
			t.Errorf("slot %d is due at %d, want %d", i, got, want)
		}
	}
	s.Close()
	again.Close()
	for _, b := range [][]byte{{}, {2}, noted[:1], noted[:len(noted)-1], append(append([]byte{}, noted...), 0xff)} {
		if s.readNote(b) {
			t.Errorf("a note of %d bytes was taken for whole", len(b))
		}
	}
}

// FuzzNote: whatever the bytes, reading them ends well, and changes figures only
// to what can be.
func FuzzNote(f *testing.F) {
	f.Add([]byte{2, 0, 0})
	f.Add([]byte{2, 1, 0, 5, 0x90, 0x4e, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Store{eng: memory.New(), replicated: true}
		defer s.eng.Close()
		taken := s.readNote(b)
		if keys, _ := s.Expiring(nil); keys != 0 {
			t.Errorf("%d keys expire where there are none", keys)
		}
		if taken {
			again := &Store{eng: s.eng, replicated: true}
			if !again.readNote(s.writeNote()) || !bytes.Equal(again.writeNote(), s.writeNote()) {
				t.Error("what was read cannot be written and read again")
			}
		}
	})
}
