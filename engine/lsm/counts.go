package lsm

import (
	"encoding/binary"
	"errors"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rldb/rldb/engine"
)

// counts is how many entries each slot has, and how many bytes of names, metas
// and values, and the sums of both. A slot's are written to under its stripe's
// lock and read without.
type counts struct {
	slots [engine.Slots]count
	all   count
}

type count struct{ keys, live atomic.Int64 }

func (c *counts) add(slot uint16, keys, live int64) {
	s := &c.slots[slot]
	if keys != 0 {
		s.keys.Add(keys)
		c.all.keys.Add(keys)
	}
	if live != 0 {
		s.live.Add(live)
		c.all.live.Add(live)
	}
}

func (c *counts) clear(slot uint16) {
	s := &c.slots[slot]
	c.add(slot, -s.keys.Load(), -s.live.Load())
}

func (c *counts) total() (keys, live int64) { return c.all.keys.Load(), c.all.live.Load() }

// liveBytes is what an entry adds to Stats.LiveBytes.
func liveBytes(name, value int) int64 { return int64(name + valueHead + value) }

// encode gives the counts as they are kept between a clean stop and the next
// start: of every slot that is not empty, its number, keys and bytes.
func (c *counts) encode() (b []byte) {
	for i := range c.slots {
		if keys := c.slots[i].keys.Load(); keys != 0 {
			b = binary.AppendUvarint(b, uint64(i))
			b = binary.AppendUvarint(b, uint64(keys))
			b = binary.AppendUvarint(b, uint64(c.slots[i].live.Load()))
		}
	}
	return b
}

// decode reports false if b is not what encode gave.
func (c *counts) decode(b []byte) bool {
	for len(b) > 0 {
		var v [3]uint64
		for i := range v {
			n := 0
			if v[i], n = binary.Uvarint(b); n <= 0 {
				return false
			}
			b = b[n:]
		}
		if v[0] >= engine.Slots {
			return false
		}
		c.add(uint16(v[0]), int64(v[1]), int64(v[2]))
	}
	return true
}

// save keeps the counts for the next start, and a note of the engine's user;
// that they are there says that the stop was clean.
func (c *counts) save(db *pebble.DB, note []byte) error {
	b := db.NewBatch()
	if note != nil {
		if err := b.Set([]byte(noteKey), note, nil); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	if err := b.Set([]byte(countsKey), c.encode(), nil); err != nil {
		return errors.Join(err, b.Close())
	}
	return errors.Join(b.Commit(pebble.Sync), b.Close())
}

// load takes the counts of the last stop over, and the note, and removes both, so
// that a stop that is not clean leaves none. ok is false if there are none.
func (c *counts) load(db *pebble.DB) (note []byte, ok bool, err error) {
	b, err := getCopy(db, countsKey)
	if b == nil || err != nil {
		return nil, false, err
	}
	ok = c.decode(b)
	if note, err = getCopy(db, noteKey); err != nil {
		return nil, false, err
	}
	if !ok {
		note = nil
	}
	return note, ok, errors.Join(db.Delete([]byte(noteKey), pebble.NoSync), db.Delete([]byte(countsKey), pebble.Sync))
}

// getCopy reads what is under a key of the engine's own; nil if there is nothing.
func getCopy(db *pebble.DB, key string) ([]byte, error) {
	b, closer, err := db.Get([]byte(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]byte{}, b...), closer.Close()
}

// rebuild counts all entries.
func (c *counts) rebuild(db *pebble.DB) error {
	for i := range uint16(engine.Slots) {
		c.clear(i)
	}
	it, err := db.NewIter(&pebble.IterOptions{UpperBound: slotStart(engine.Slots)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		k, whole := parseKey(it.Key())
		lazy := it.LazyValue()
		if n := lazy.Len() - valueHead; whole && n >= 0 {
			c.add(k.Slot, 1, liveBytes(len(k.Name), n))
		}
	}
	return errors.Join(it.Error(), it.Close())
}
