package enginetest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rldb/rldb/engine"
)

// twin is the engine as it should be, as simple as can be.
type twin map[uint16]map[string]Record

func (w twin) get(k engine.Key) (Record, bool) {
	r, ok := w[k.Slot][string(k.Name)]
	return r, ok
}

func (w twin) apply(k engine.Key, ch engine.Change) {
	switch ch.Action {
	case engine.Put:
		if w[k.Slot] == nil {
			w[k.Slot] = map[string]Record{}
		}
		value := string(ch.Head) + string(ch.Body)
		w[k.Slot][string(k.Name)] = Record{Name: string(k.Name), Meta: ch.Meta, Value: value}
	case engine.Delete:
		delete(w[k.Slot], string(k.Name))
	}
}

// sorted is what a scan of a slot should give.
func (w twin) sorted(slot uint16, from uint64, limit int, values bool) []Record {
	type hashed struct {
		hash uint64
		name string
	}
	var order []hashed
	for name := range w[slot] {
		if hash := engine.Hash([]byte(name)); hash >= from {
			order = append(order, hashed{hash, name})
		}
	}
	slices.SortFunc(order, func(a, b hashed) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.name, b.name))
	})
	var records []Record
	for _, h := range order[:min(limit, len(order))] {
		r := w[slot][h.name]
		if !values {
			r.Value = ""
		}
		records = append(records, r)
	}
	return records
}

func (w twin) keys() (n int64) {
	for _, slot := range w {
		n += int64(len(slot))
	}
	return n
}

func (w twin) liveBytes() (n int64) {
	for _, slot := range w {
		for _, r := range slot {
			n += int64(len(r.Name) + len(r.Meta) + len(r.Value))
		}
	}
	return n
}

// everything is a limit that no scan of a test reaches.
const everything = 1 << 30

// compare tells where an engine's contents, counts and figures are not the twin's.
func (w twin) compare(e engine.Engine) error {
	for slot := range w {
		if err := w.compareSlot(e, slot); err != nil {
			return err
		}
	}
	st := e.Stats()
	if st.Keys != w.keys() || st.LiveBytes != w.liveBytes() {
		return fmt.Errorf("Stats has %d keys and %d live bytes, want %d and %d",
			st.Keys, st.LiveBytes, w.keys(), w.liveBytes())
	}
	if used := e.UsedBytes(); st.Keys > 0 && st.LiveBytes > 0 && min(used, st.UsedBytes) <= 0 {
		return fmt.Errorf("%d live bytes in %d used bytes, by Stats in %d", st.LiveBytes, used, st.UsedBytes)
	}
	return nil
}

func (w twin) compareSlot(e engine.Engine, slot uint16) error {
	got, err := ScanAll(e, slot, 0, everything, true)
	if err != nil {
		return fmt.Errorf("scan of slot %d: %w", slot, err)
	}
	if want := w.sorted(slot, 0, everything, true); !slices.Equal(got, want) {
		return fmt.Errorf("slot %d holds\n%.2000q\nwant\n%.2000q", slot, got, want)
	}
	if got, want := e.Len(slot), int64(len(w[slot])); got != want {
		return fmt.Errorf("Len(%d) = %d, want %d", slot, got, want)
	}
	return nil
}
