package ring

import "slices"

// Change is a run of slots whose owners differ between two rings in the same way.
type Change struct {
	From, To uint16 // the first and the last slot
	Before   []ID   // the owners in the one ring, in preference order
	After    []ID   // the owners in the other
}

// Gains are the members that own the slots only afterwards.
func (c Change) Gains() []ID { return without(c.After, c.Before) }

// Loses are the members that owned the slots only before.
func (c Change) Loses() []ID { return without(c.Before, c.After) }

func without(list, those []ID) []ID {
	var rest []ID
	for _, id := range list {
		if !slices.Contains(those, id) {
			rest = append(rest, id)
		}
	}
	return rest
}

// Diff gives the runs of slots whose preference lists differ, ascending, as long
// as can be.
func Diff(from, to *Ring) []Change {
	var changes []Change
	for slot := range uint16(Slots) {
		before, after := from.ids(slot), to.ids(slot)
		if slices.Equal(before, after) {
			continue
		}
		if n := len(changes); n > 0 {
			last := &changes[n-1]
			if last.To+1 == slot && slices.Equal(last.Before, before) && slices.Equal(last.After, after) {
				last.To = slot
				continue
			}
		}
		changes = append(changes, Change{slot, slot, before, after})
	}
	return changes
}

// ids are the owners of a slot by their IDs.
func (r *Ring) ids(slot uint16) []ID {
	var ids []ID
	for _, m := range r.Owners(slot) {
		ids = append(ids, r.members[m].ID)
	}
	return ids
}
