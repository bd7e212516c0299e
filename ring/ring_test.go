package ring

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveOrder is Order as its comment has it: all tokens that are not before the
// slot, then the others; members as they are met; a member whose zone was met
// waits until every zone was.
func naiveOrder(members []Member, slot uint16) []ID {
	type held struct {
		token Token
		m     Member
	}
	var circle []held
	for _, m := range members {
		for _, t := range m.Tokens {
			circle = append(circle, held{t, m})
		}
	}
	place := func(h held) uint64 { return uint64(h.token) - uint64(slot)<<50 } // wraps round
	slices.SortStableFunc(circle, func(a, b held) int {
		if a.token == b.token {
			return a.m.ID.Compare(b.m.ID)
		}
		if place(a) < place(b) {
			return -1
		}
		return 1
	})
	var met []Member
	for _, h := range circle {
		if !slices.ContainsFunc(met, func(m Member) bool { return m.ID == h.m.ID }) {
			met = append(met, h.m)
		}
	}
	var first, firstOfZone []ID
	zones := map[string]bool{}
	for _, m := range met {
		zone := m.Zone
		if zone == "" {
			zone = "alone " + m.ID.String()
		}
		if !zones[zone] {
			zones[zone] = true
			firstOfZone = append(firstOfZone, m.ID)
		}
	}
	first = append(first, firstOfZone...)
	for _, m := range met {
		if !slices.Contains(first, m.ID) {
			first = append(first, m.ID)
		}
	}
	return first
}

// anyMembers draws members whose tokens often are equal, or close to a slot's place.
func anyMembers(t *rapid.T) []Member {
	ids := rapid.SliceOfNDistinct(rapid.Byte(), 0, 9, rapid.ID).Draw(t, "ids")
	token := rapid.Custom(func(t *rapid.T) Token {
		slot := rapid.Uint64Range(0, Slots-1).Draw(t, "slot")
		near := rapid.Int64Range(-1, 1).Draw(t, "near")
		return Token(slot<<50 + uint64(near))
	})
	var members []Member
	for _, b := range ids {
		members = append(members, Member{
			ID:     ID{b},
			Zone:   rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "zone"),
			Tokens: rapid.SliceOfN(rapid.OneOf(token, rapid.SampledFrom([]Token{0, 1 << 50, 1<<50 + 1, ^Token(0)})), 0, 5).Draw(t, "tokens"),
		})
	}
	return members
}

func byID(r *Ring, list []uint16) []ID {
	ids := []ID{}
	for _, i := range list {
		ids = append(ids, r.Members()[i].ID)
	}
	return ids
}

func TestOwnersAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		n := rapid.IntRange(0, 5).Draw(t, "n")
		r := New(members, n)
		if !slices.IsSortedFunc(r.Members(), func(a, b Member) int { return a.ID.Compare(b.ID) }) {
			t.Fatal("Members are not in the order of their IDs")
		}
		slots := append(rapid.SliceOfN(rapid.Uint16Range(0, Slots-1), 8, 8).Draw(t, "slots"), 0, 1, 2, Slots-1)
		for _, m := range members {
			for _, token := range m.Tokens {
				slots = append(slots, token.Slot(), (token.Slot()+1)%Slots)
			}
		}
		for _, slot := range slots {
			want := naiveOrder(members, slot)
			if got := byID(r, r.Order(slot, nil)); !slices.Equal(got, want) {
				t.Fatalf("Order(%d) = %v, want %v", slot, got, want)
			}
			for same := range r.RunEnd(slot) - int(slot) + 1 {
				if same < 3 && !slices.Equal(naiveOrder(members, slot+uint16(same)), want) {
					t.Fatalf("RunEnd(%d) = %d, but slot %d has another order", slot, r.RunEnd(slot), int(slot)+same)
				}
			}
			if end := r.RunEnd(slot); end < int(slot) || end >= Slots || !slices.Equal(naiveOrder(members, uint16(end)), want) {
				t.Fatalf("RunEnd(%d) = %d", slot, end)
			}
			owners := want[:min(n, len(want))]
			if got := byID(r, r.Owners(slot)); !slices.Equal(got, owners) {
				t.Fatalf("Owners(%d) = %v, want %v", slot, got, owners)
			}
		}
	})
}

// TestNewForgetsTheOrder: members may be given in any order.
func TestNewForgetsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		r := New(members, 3)
		other := New(rapid.Permutation(members).Draw(t, "shuffled"), 3)
		if changes := Diff(r, other); len(changes) > 0 {
			t.Fatalf("the order of the members changes the ring: %v", changes)
		}
	})
}

func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := New(anyMembers(t), rapid.IntRange(0, 3).Draw(t, "n"))
		to := New(anyMembers(t), rapid.IntRange(0, 3).Draw(t, "n"))
		changes := Diff(from, to)
		next := 0
		for slot := range uint16(Slots) {
			before, after := byID(from, from.Owners(slot)), byID(to, to.Owners(slot))
			for next < len(changes) && changes[next].To < slot {
				next++
			}
			in := next < len(changes) && changes[next].From <= slot
			if in != !slices.Equal(before, after) {
				t.Fatalf("slot %d: from %v to %v; in a change: %v", slot, before, after, in)
			}
			if in && (!slices.Equal(changes[next].Before, before) || !slices.Equal(changes[next].After, after)) {
				t.Fatalf("slot %d: from %v to %v, but the change is %v", slot, before, after, changes[next])
			}
		}
		for i := 1; i < len(changes); i++ {
			a, b := changes[i-1], changes[i]
			if a.To >= b.From || a.To+1 == b.From && slices.Equal(a.Before, b.Before) && slices.Equal(a.After, b.After) {
				t.Fatalf("changes %v and %v overlap or are one", a, b)
			}
		}
	})
}

func TestGainsAndLoses(t *testing.T) {
	c := Change{Before: []ID{{1}, {2}, {3}}, After: []ID{{3}, {4}, {1}}}
	if got := c.Gains(); !slices.Equal(got, []ID{{4}}) {
		t.Errorf("Gains() = %v", got)
	}
	if got := c.Loses(); !slices.Equal(got, []ID{{2}}) {
		t.Errorf("Loses() = %v", got)
	}
}

// TestWeights: a member of twice the weight gets twice the slots.
func TestWeights(t *testing.T) {
	var members []Member
	total := 0
	for i, weight := range []int{1, 2, 1, 4, 1, 2} {
		id := ID{byte(i * 37), 9}
		members = append(members, Member{ID: id, Weight: weight, Tokens: Allocate(members, id, "", weight)})
		total += weight
	}
	held := map[ID]int{}
	r := New(members, 1)
	for slot := range uint16(Slots) {
		held[byID(r, r.Owners(slot))[0]]++
	}
	for _, m := range members {
		fair := float64(Slots*m.Weight) / float64(total)
		if ratio := float64(held[m.ID]) / fair; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("the member of weight %d holds %.2f of its share", m.Weight, ratio)
		}
	}
}

func TestID(t *testing.T) {
	id := NewID()
	if again, err := ParseID(id.String()); err != nil || again != id {
		t.Errorf("ParseID(%s) = %v, %v", id, again, err)
	}
	for _, bad := range []string{"", "12", fmt.Sprintf("%040d", 1)[:39] + "g", id.String() + "0"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) gives no error", bad)
		}
	}
	if NewID() == id {
		t.Error("two new IDs are equal")
	}
}

func BenchmarkNew50(b *testing.B) {
	var members []Member
	for i := range 50 {
		id := ID{byte(i * 5), byte(i)}
		members = append(members, Member{ID: id, Tokens: Allocate(members, id, "", 1)})
	}
	for b.Loop() {
		New(members, 3)
	}
}

// TestMoreThanFit: who asks for more than a ring can hold gets what fits.
func TestMoreThanFit(t *testing.T) {
	var many []Member
	for i := range MaxMembers + 2 {
		many = append(many, Member{ID: ID{byte(i >> 8), byte(i), 1}, Tokens: []Token{Token(i) << 53}})
	}
	if got := len(New(many, 3).Members()); got != MaxMembers {
		t.Errorf("a ring of %d members has %d", len(many), got)
	}
	if tokens := Allocate(many, ID{0xff}, "", 1); len(tokens) == 0 {
		t.Error("one who joins a full ring has no tokens")
	}
}
