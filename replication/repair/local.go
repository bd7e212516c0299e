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

// step is a transaction's; at says which of its keys the first one of the transaction is.
type step interface {
	replica.RecordStep
	at(first int)
}

// carry carries out a transaction on keys, and waits until it is durable. Where the engine finds
// one of them damaged, it is one transaction for each.
func (r *Repair) carry(mode engine.Mode, s step, keys []engine.Key) error {
	var t replica.Records
	err := r.carryAll(&t, mode, s, keys)
	if len(keys) == 1 || !errors.Is(err, engine.ErrCorrupt) {
		return err
	}
	for i := range keys {
		s.at(i)
		if err := r.carryAll(&t, mode, s, keys[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repair) carryAll(t *replica.Records, mode engine.Mode, s step, keys []engine.Key) error {
	t.Reset(r.o.Store, mode, s)
	for _, k := range keys {
		t.Key(k)
	}
	r.o.Store.DoRecords(t)
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
func (s *reader) at(int)                {}

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

// read copies the first of the records under keys, most bytes of them or one; looked says how many keys are done with. Keys without
// a record, or with one that cannot be read, are left out.
func (r *Repair) read(keys []engine.Key, most int) (*reader, error) {
	s := &reader{most: most}
	if err := r.carry(engine.Read, s, keys); err != nil {
		return nil, err
	}
	for _, k := range s.corrupt {
		r.o.Log.Debug("a record is damaged, and is not sent", "slot", k.Slot, "hash", k.Hash)
	}
	return s, nil
}

// merger merges records into those that are here. A damaged one is as good as none.
type merger struct {
	first   int
	got     []record.Whole
	hashes  []uint64 // of the vectors after that
	changed int
}

func (s *merger) Decide(t *replica.Records) {
	for i := range t.Len() {
		theirs, hash := &s.got[s.first+i], t.Hash(i)
		s.hashes[s.first+i] = hash
		if theirs.IsZero() || theirs.Vector.Hash() == hash {
			continue
		}
		var m record.Whole
		if ours, err := t.Whole(i); err != nil {
			m = *theirs
		} else {
			m = record.Merge(ours, theirs)
		}
		if h := m.Vector.Hash(); h != hash {
			t.Put(i, &m)
			s.hashes[s.first+i] = h
			s.changed++
		}
	}
}

func (s *merger) Done(*replica.Records) {}
func (s *merger) at(first int)          { s.first = first }

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
		if ownFault(err) {
			err = fmt.Errorf("%w: %w", errOwn, err)
		}
		return nil, err
	}
	r.pulled.Add(int64(s.changed))
	return s.hashes, nil
}

// dropper drops records that are exactly what was confirmed, as long as the view is the one by which they are foreign:
// the next one may make this node their owner.
type dropper struct {
	r       *Repair
	first   int
	area    *area
	hashes  []uint64
	dropped int
}

func (s *dropper) Decide(t *replica.Records) {
	if s.r.area.Load() != s.area {
		return
	}
	for i := range t.Len() {
		if h := t.Hash(i); h != 0 && h == s.hashes[s.first+i] {
			t.Drop(i)
			s.dropped++
		}
	}
}

func (s *dropper) Done(*replica.Records) {}
func (s *dropper) at(first int)          { s.first = first }

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
