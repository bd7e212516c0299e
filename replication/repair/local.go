package repair

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// What is done with this node's own records. Each is one transaction, in the keys' turns.

// carry carries out a transaction on keys, and waits until it is durable.
func (r *Repair) carry(mode engine.Mode, step replica.RecordStep, keys []engine.Key) error {
	var t replica.Records
	t.Reset(r.o.Store, mode, step)
	for _, k := range keys {
		t.Key(k)
	}
	r.o.Store.DoRecords(&t)
	if err := t.Err(); err != nil {
		return err
	}
	return r.o.Store.Commit(t.Pos())
}

// reader copies records, as many as go into a batch.
type reader struct {
	most    int // bytes, but one record at least
	entries []coordinator.Entry
	hashes  []uint64 // of the entries' vectors
	looked  int      // keys that are done with: read, absent, or not to be read
	bytes   int
	corrupt []engine.Key
}

func (s *reader) Decide(t *replica.Records) {
	for i := range t.Len() {
		if s.bytes >= s.most {
			return
		}
		s.looked++
		w, err := t.Whole(i)
		if err != nil {
			s.corrupt = append(s.corrupt, t.At(i))
			continue
		}
		if w.IsZero() {
			continue
		}
		c, n := clone(w)
		s.entries = append(s.entries, coordinator.Entry{Key: t.At(i), Whole: c})
		s.hashes = append(s.hashes, t.Hash(i))
		s.bytes += n + len(t.At(i).Name)
	}
}

func (s *reader) Done(*replica.Records) {}

// clone is w with memory of its own, and about how many bytes it has.
func clone(w *record.Whole) (c record.Whole, size int) {
	c.Vector, c.Values = slices.Clone(w.Vector), slices.Clone(w.Values)
	size = 16*len(c.Vector) + 32*len(c.Values)
	for i := range c.Values {
		c.Values[i].Value = slices.Clone(c.Values[i].Value)
		size += len(c.Values[i].Value)
	}
	return c, size
}

// read copies the first of the records under keys; looked says how many keys are done with. Keys without
// a record, or with one that cannot be read, are left out.
func (r *Repair) read(keys []engine.Key) (*reader, error) {
	s := &reader{most: batchBytes}
	if err := r.carry(engine.Read, s, keys); err != nil {
		return nil, err
	}
	for _, k := range s.corrupt {
		r.o.Log.Error("a record cannot be read, and is not sent", "slot", k.Slot, "hash", k.Hash)
	}
	return s, nil
}

// merger merges records into those that are here.
type merger struct {
	got     []record.Whole
	hashes  []uint64 // of the vectors after that
	changed int
	corrupt int // left as they are
}

func (s *merger) Decide(t *replica.Records) {
	for i := range t.Len() {
		s.hashes[i] = t.Hash(i)
		theirs := &s.got[i]
		hash := theirs.Vector.Hash()
		if theirs.IsZero() {
			continue
		}
		ours, err := t.Whole(i)
		switch {
		case err != nil && hash == t.Hash(i): // exactly what was here
			t.Put(i, theirs)
			s.changed++
		case err != nil:
			s.corrupt++
		case hash != t.Hash(i):
			m := record.Merge(ours, theirs)
			if h := m.Vector.Hash(); h != t.Hash(i) {
				t.Put(i, &m)
				s.hashes[i] = h
				s.changed++
			}
		}
	}
}

func (s *merger) Done(*replica.Records) {}

// sound says whether all values are what their checksums say.
func sound(w *record.Whole) bool {
	return !slices.ContainsFunc(w.Values, func(v record.Value) bool { return !v.Cut && v.Verify() != nil })
}

var errFetched = errors.New("repair: not as many records as were asked for")

// merge merges what was fetched, and gives the hashes of what is here then.
func (r *Repair) merge(keys []engine.Key, got []record.Whole) ([]uint64, error) {
	if len(got) != len(keys) {
		return nil, errFetched
	}
	wall := time.Now().UnixMilli()
	for i := range got {
		if !sound(&got[i]) {
			return nil, fmt.Errorf("repair: a record as it was sent: %w", record.ErrCorrupt)
		}
		r.o.Store.Clock().Observe(got[i].Vector.Max(), wall)
	}
	s := &merger{got: got, hashes: make([]uint64, len(keys))}
	if err := r.carry(engine.Write, s, keys); err != nil {
		return nil, err
	}
	if s.corrupt > 0 {
		r.o.Log.Error("records cannot be read, and others' copies are not the same", "slot", keys[0].Slot, "records", s.corrupt)
	}
	r.pulled.Add(int64(s.changed))
	return s.hashes, nil
}

// dropper drops records that are exactly what was confirmed, as long as the view is the one by which they are foreign:
// the next one may make this node their owner.
type dropper struct {
	r       *Repair
	area    *area
	hashes  []uint64
	dropped int
}

func (s *dropper) Decide(t *replica.Records) {
	if s.r.area.Load() != s.area {
		return
	}
	for i := range t.Len() {
		if h := t.Hash(i); h != 0 && h == s.hashes[i] {
			t.Drop(i)
			s.dropped++
		}
	}
}

func (s *dropper) Done(*replica.Records) {}

// drop drops what is exactly as it was confirmed.
func (r *Repair) drop(a *area, keys []engine.Key, hashes []uint64) error {
	s := &dropper{r: r, area: a, hashes: hashes}
	if len(keys) == 0 {
		return nil
	}
	if err := r.carry(engine.Blind, s, keys); err != nil {
		return err
	}
	r.dropped.Add(int64(s.dropped))
	return nil
}
