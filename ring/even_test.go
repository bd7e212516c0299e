//go:build !race

package ring

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The targets of the design for 3 to 50 equal members. The race detector would
// make this take minutes, and there is nothing in it to find: it is one goroutine.
const (
	fullestAtMost = 1.10 // fullest primary, by the mean
	movedAtMost   = 1.15 // what a join moves, by its fair share
	entriesAtMost = 40   // entries of CLUSTER SLOTS a member
)

// testID is the ID of the i-th member in tests.
func testID(salt, i int) ID {
	var id ID
	copy(id[:], fmt.Sprintf("%d-%d", salt, i))
	for k := range 8 {
		id[12+k] = byte((i + 1) * (salt + 3) * (k + 7) * 2654435 >> 5)
	}
	return id
}

// TestEvenness grows rings to 50 and 100 members, and prints how even they are.
// With zones the copies cannot be even (a zone of fewer members holds as many as
// one of more), so what a join moves is held there for primaries only.
func TestEvenness(t *testing.T) {
	for salt := range 3 {
		for _, zones := range []int{0, 3} {
			grow(t, salt, zones)
		}
	}
}

func grow(t *testing.T, salt, zones int) {
	var members []Member
	before := [2]*Ring{New(nil, 1), New(nil, 3)}
	most := 50
	if salt == 0 {
		most = 100
	}
	for n := 1; n <= most; n++ {
		id, zone := testID(salt, n), ""
		if zones > 0 {
			zone = fmt.Sprint("zone", n%zones)
		}
		members = append(members, Member{ID: id, Zone: zone, Tokens: Allocate(members, id, zone, 1)})
		after := [2]*Ring{New(members, 1), New(members, 3)}
		if n >= 3 {
			fullest, owned, entries := measure(after[0], after[1])
			moved1, moved3 := moves(before[0], after[0]), moves(before[1], after[1])
			if n <= 10 || n%10 == 0 {
				t.Logf("salt %d, zones %d, %3d members: fullest primary %.3f of the mean, fullest of 3 copies %.3f, join moved %.3f (N=1) %.3f (N=3) of its share, %.1f entries a member",
					salt, zones, n, fullest, owned, moved1, moved3, entries)
			}
			if n <= 50 && (fullest > fullestAtMost || moved1 > movedAtMost || entries > entriesAtMost || zones == 0 && moved3 > movedAtMost) {
				t.Errorf("salt %d, zones %d, %d members: fullest primary %.3f, moved %.3f and %.3f, %.1f entries a member: above %v, %v, %v",
					salt, zones, n, fullest, moved1, moved3, entries, fullestAtMost, movedAtMost, entriesAtMost)
			}
		}
		before = after
	}
}

// measure gives the fullest primary and the fullest owner of three copies by
// their means, and the entries of CLUSTER SLOTS a member.
func measure(one, three *Ring) (fullest, owned, entries float64) {
	primaries, copies := make([]int, len(one.Members())), make([]int, len(one.Members()))
	runs := 0
	for slot := range uint16(Slots) {
		primaries[one.Owners(slot)[0]]++
		for _, m := range three.Owners(slot) {
			copies[m]++
		}
		if slot == 0 || one.Owners(slot)[0] != one.Owners(slot - 1)[0] {
			runs++
		}
	}
	n := float64(len(primaries))
	for i := range primaries {
		fullest = max(fullest, float64(primaries[i])*n/Slots)
		owned = max(owned, float64(copies[i])*n/Slots/float64(three.Copies()))
	}
	return fullest, owned, float64(runs) / n
}

// moves is how many copies of slots a member gets that it did not have, by what
// is fair: the new member's share.
func moves(before, after *Ring) float64 {
	gained := 0
	for _, c := range Diff(before, after) {
		gained += len(c.Gains()) * (int(c.To) - int(c.From) + 1)
	}
	fair := float64(Slots) * float64(after.Copies()) / float64(len(after.Members()))
	return float64(gained) / fair
}

func TestAllocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		id := ID{0xff, rapid.Byte().Draw(t, "id")}
		members = slices.DeleteFunc(members, func(m Member) bool { return m.ID[0] == 0xff })
		weight := rapid.IntRange(-1, 4).Draw(t, "weight")
		tokens := Allocate(members, id, "a", weight)
		if len(tokens) == 0 || len(tokens) > maxTokens {
			t.Fatalf("%d tokens", len(tokens))
		}
		if !slices.IsSorted(tokens) {
			t.Fatal("tokens are not ascending")
		}
		pool := candidatesOf(id)
		for _, token := range tokens {
			if !slices.Contains(pool, token) {
				t.Fatalf("token %x is no candidate", token)
			}
		}
		if again := Allocate(rapid.Permutation(members).Draw(t, "shuffled"), id, "a", weight); !slices.Equal(tokens, again) {
			t.Fatal("the order of the members changes the tokens")
		}
	})
}
