package membership

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/ring"
)

// someID draws one of few IDs, so that states overlap.
func someID(t *rapid.T, name string) ring.ID {
	return ring.ID{1, rapid.Byte().Filter(func(b byte) bool { return b < 7 }).Draw(t, name)}
}

func drawID() *rapid.Generator[ring.ID] {
	return rapid.Custom(func(t *rapid.T) ring.ID { return ring.ID{1, byte(rapid.IntRange(0, 6).Draw(t, "id"))} })
}

// anyEntry draws an entry whose versions are small, so that equal ones with
// different contents meet: of two stewards, of a copied directory.
func anyEntry(t *rapid.T) entry {
	e := entry{}
	e.place.status = Status(rapid.IntRange(int(Joining), int(Left)).Draw(t, "status"))
	if e.place.status == Left {
		return e
	}
	e.place.version = rapid.Uint64Range(0, 2).Draw(t, "tokens of version")
	if e.place.status != Joining {
		for range rapid.IntRange(0, 3).Draw(t, "tokens") {
			e.place.tokens = append(e.place.tokens, ring.Token(rapid.Uint64().Draw(t, "token")))
		}
	}
	e.own.version = rapid.Uint64Range(0, 2).Draw(t, "own version")
	text := rapid.SampledFrom([]string{"", "a", "b:1", "long enough to be a host name"})
	e.own.self = Self{
		Version: text.Draw(t, "version"), Host: text.Draw(t, "host"), Hostname: text.Draw(t, "hostname"),
		Peer: text.Draw(t, "peer"), Gossip: text.Draw(t, "gossip"), Zone: text.Draw(t, "zone"),
		Port: rapid.IntRange(0, 65535).Draw(t, "port"), TLSPort: rapid.IntRange(0, 2).Draw(t, "tls"),
		Weight: rapid.IntRange(1, 3).Draw(t, "weight"),
	}
	e.own.draining = rapid.Bool().Draw(t, "draining")
	e.reports.version = rapid.Uint64Range(0, 2).Draw(t, "reports of version")
	ids := rapid.SliceOfNDistinct(drawID(), 0, 4, rapid.ID).Draw(t, "reported")
	slices.SortFunc(ids, ring.ID.Compare)
	for _, id := range ids {
		e.reports.on = append(e.reports.on, report{id, rapid.Uint64Range(0, 2).Draw(t, "raised")})
	}
	return e
}

func anyState(t *rapid.T) state {
	s := newState()
	s.epoch = rapid.Uint64Range(0, 9).Draw(t, "epoch")
	for _, id := range rapid.SliceOfNDistinct(drawID(), 0, 6, rapid.ID).Draw(t, "ids") {
		s.entries[id] = anyEntry(t)
	}
	return s
}

func same(a, b state) bool { return bytes.Equal(appendState(nil, a), appendState(nil, b)) }

func merged(states ...state) state {
	s := newState()
	for _, one := range states {
		s.merge(one)
	}
	return s
}

func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyState(t), anyState(t), anyState(t)
		if !same(merged(a, b), merged(b, a)) {
			t.Fatal("merge is not commutative")
		}
		if !same(merged(merged(a, b), c), merged(a, merged(b, c))) {
			t.Fatal("merge is not associative")
		}
		ab := merged(a, b)
		if changed := ab.merge(b); len(changed) > 0 || !same(ab, merged(a, b)) {
			t.Fatal("merge is not idempotent")
		}
		for id, e := range merged(a, b).entries {
			if a.entries[id].place.status == Left && e.place.status != Left {
				t.Fatalf("%v is no longer left", id)
			}
		}
	})
}

// TestMergeInAnyOrder: messages that come in any order, some of them again, and
// through nodes that restart from an older snapshot, end in the same state.
func TestMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var messages []state
		for range rapid.IntRange(1, 6).Draw(t, "messages") {
			messages = append(messages, anyState(t))
		}
		want := merged(messages...)
		for range 2 {
			s, snapshot := newState(), newState()
			for _, m := range rapid.Permutation(append(messages, messages...)).Draw(t, "order") {
				s.merge(m)
				switch rapid.IntRange(0, 3).Draw(t, "then") {
				case 0:
					snapshot = s.clone()
				case 1:
					s = snapshot.clone() // a restart
				}
			}
			s.merge(merged(messages...)) // what the others tell it at last
			if !same(s, want) {
				t.Fatal("the order of messages matters")
			}
		}
	})
}

// TestMergeSaysWhatItChanged against looking at every entry.
func TestMergeSaysWhatItChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyState(t), anyState(t)
		after := a.clone()
		changed := after.merge(b)
		for _, id := range after.ids() {
			before, known := a.entries[id]
			if differs := !known || !sameEntry(before, after.entries[id]); differs != slices.Contains(changed, id) {
				t.Fatalf("%v differs: %v; said to have changed: %v", id, differs, changed)
			}
		}
	})
}

func TestReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r reports
		want := map[ring.ID]uint64{}
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			id, before := someID(t, "id"), r
			if rapid.Bool().Draw(t, "raise") {
				r = r.raise(id)
				want[id] = r.version
			} else {
				r = r.withdraw(id)
				delete(want, id)
			}
			if r.version <= before.version {
				t.Fatal("the version has not grown")
			}
			got := map[ring.ID]uint64{}
			for i, one := range r.on {
				got[one.id] = one.raised
				if i > 0 && r.on[i-1].id.Compare(one.id) >= 0 {
					t.Fatal("reports are not in order")
				}
			}
			if !reflect.DeepEqual(got, want) || r.has(id) != (want[id] > 0) {
				t.Fatalf("reports %v, want %v", got, want)
			}
		}
	})
}

// TestVerdictIsCommon: two nodes that have heard the same, in different orders,
// judge the same and have the same view, whoever they are.
func TestVerdictIsCommon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := []state{anyState(t), anyState(t), anyState(t)}
		cluster := ring.ID{9}
		view := func() (*View, map[ring.ID]Health) {
			s := merged(rapid.Permutation(messages).Draw(t, "order")...)
			self := someID(t, "self")
			copies := 3
			first := compute(snapshot{self: self, cluster: cluster, name: "x", state: s}, copies, sight{}, nil)
			// The last view must not matter.
			last := compute(snapshot{self: self, cluster: cluster, name: "x", state: messages[0]}, copies, sight{}, nil)
			again := compute(snapshot{self: self, cluster: cluster, name: "x", state: s}, copies, sight{}, last)
			if !slices.Equal(first.primary, again.primary) || first.visible != again.visible {
				t.Fatal("the view before matters")
			}
			return again, verdict(s, self, sight{})
		}
		a, va := view()
		b, vb := view()
		if !reflect.DeepEqual(va, vb) {
			t.Fatalf("verdicts %v and %v", va, vb)
		}
		if !slices.Equal(a.primary, b.primary) || !slices.Equal(a.Ranges, b.Ranges) || a.visible != b.visible || a.Epoch != b.Epoch {
			t.Fatal("the views differ")
		}
		if fmt.Sprint(a.Members) != fmt.Sprint(b.Members) || !slices.Equal(a.left, b.left) {
			t.Fatal("the members differ")
		}
	})
}

// TestView against a dumb reading of what Primary, Ranges and the rest promise.
func TestView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyState(t)
		self := someID(t, "self")
		alone := rapid.Bool().Draw(t, "alone")
		v := compute(snapshot{self: self, cluster: ring.ID{9}, state: s}, 2, sight{alone: alone}, nil)
		for id, e := range s.entries {
			m, known := v.Find(id)
			if known == (e.place.status == Left) || v.HasLeft(id) != (e.place.status == Left) {
				t.Fatalf("%v of status %v: known %v", id, e.place.status, known)
			}
			if known && (m.Status != e.place.status || m.Host != e.own.self.Host || m.ID != id) {
				t.Fatalf("member %+v of entry %+v", m, e)
			}
		}
		covered := 0
		for _, r := range v.Ranges {
			for slot := int(r.From); slot <= int(r.To); slot++ {
				if v.PrimaryIndex(uint16(slot)) != r.Member {
					t.Fatalf("slot %d: range of %d, primary %d", slot, r.Member, v.PrimaryIndex(uint16(slot)))
				}
				covered++
			}
		}
		if covered != v.SlotsServed() {
			t.Fatalf("%d slots covered, %d served", covered, v.SlotsServed())
		}
		for range 50 {
			slot := rapid.Uint16Range(0, ring.Slots-1).Draw(t, "slot")
			want := dumbPrimary(v, slot)
			m, ok := v.Primary(slot)
			if ok != (want >= 0) || ok && m.ID != v.Members[want].ID || v.Mine(slot) != (ok && m.ID == self) {
				t.Fatalf("slot %d: %v, %v; want member %d", slot, m.ID, ok, want)
			}
			for i, o := range v.Owners(slot, nil) {
				if v.Members[o].ID != v.Ring.Members()[v.Ring.Owners(slot)[i]].ID {
					t.Fatal("Owners do not fit the ring")
				}
			}
		}
	})
}

func dumbPrimary(v *View, slot uint16) int {
	fallback := -1
	for _, i := range v.Ring.Order(slot, nil) {
		at := v.Index(v.Ring.Members()[i].ID)
		m := v.Members[at]
		if m.Health != Down && !m.Draining {
			return at
		}
		if m.Health != Down && fallback < 0 {
			fallback = at
		}
	}
	return fallback
}

// who makes a state from a short text: "a>bc" says that a reports b and c; "a-"
// that a is joining. Members are a, b, c, …
func who(members string, reporting ...string) state {
	s := newState()
	for _, m := range members {
		s.entries[ring.ID{byte(m)}] = entry{place: place{status: Active, version: 1, tokens: []ring.Token{ring.Token(m) << 56}}}
	}
	for _, text := range reporting {
		id := ring.ID{text[0]}
		e := s.entries[id]
		if text[1] == '-' {
			e.place.status = Joining
		} else {
			for _, m := range text[2:] {
				e.reports = e.reports.raise(ring.ID{byte(m)})
			}
		}
		s.entries[id] = e
	}
	return s
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		name    string
		state   state
		alone   byte
		few     bool
		lost    string
		down    string
		suspect string
	}{
		{name: "nobody reports", state: who("abc")},
		{name: "one reports", state: who("abc", "a>b"), suspect: "b"},
		{name: "two report", state: who("abc", "a>b", "c>b"), down: "b"},
		{name: "one broken link", state: who("abcde", "a>b", "b>a"), suspect: "ab"},
		{name: "of two, the only one left to ask reports", state: who("ab", "a>b"), down: "b"},
		{name: "two that accuse each other: the first stays", state: who("ab", "a>b", "b>a"), down: "b"},
		{name: "one that accuses all is not believed", state: who("abcd", "a>bcd"), suspect: "bcd"},
		{name: "and is down once the others accuse it", state: who("abcd", "a>bcd", "b>a", "c>a", "d>a"), down: "a"},
		{name: "the larger half stays", state: who("abcde", "a>cde", "b>cde", "c>ab", "d>ab", "e>ab"), down: "ab"},
		{name: "a report by one that is down does not count", state: who("abcd", "a>b", "c>b", "d>b", "b>a"), down: "b"},
		{name: "one dies after the other", state: who("abc", "a>bc", "b>c", "c>"), down: "bc"},
		{name: "a joining member has no say", state: who("abc", "c-", "a>b"), down: "b"},
		{name: "but can be down", state: who("abc", "c-", "a>c", "b>c"), down: "c"},
		{name: "cut off from all", state: who("abcde", "a>bcde"), alone: 'a', down: "bcde"},
		{name: "cut off, with what others said before", state: who("abcde", "a>bcde", "b>a", "c>a"), alone: 'a', down: "bcde"},
		{name: "cut off, where a write needs more nodes than one", state: who("abcde", "a>bcde", "b>a"), alone: 'a', few: true, down: "a", suspect: "bcde"},
		{name: "what the other side said before the partition", state: who("abcde", "a>de", "c>de", "d>abc", "e>abc"), lost: "abc", down: "abc"},
		{name: "and the same without knowing of the partition", state: who("abcde", "a>de", "c>de", "d>abc", "e>abc"), down: "de"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sees := sight{alone: tc.alone != 0, few: tc.few, lost: map[ring.ID]bool{}}
			for _, m := range tc.lost {
				sees.lost[ring.ID{byte(m)}] = true
			}
			healths := verdict(tc.state, ring.ID{max(tc.alone, 'a')}, sees)
			for id, h := range healths {
				want := Alive
				if bytes.ContainsRune([]byte(tc.down), rune(id[0])) {
					want = Down
				} else if bytes.ContainsRune([]byte(tc.suspect), rune(id[0])) {
					want = Suspect
				}
				if h != want && !(tc.alone == id[0] && !tc.few && h != Down) {
					t.Errorf("%c is %v, want %v", id[0], h, want)
				}
			}
		})
	}
}
