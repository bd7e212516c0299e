package membership

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/ring"
)

func TestMessagesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := message{kind: kindState, sender: someID(t, "sender"), cluster: ring.ID{7}, state: anyState(t)}
		if rapid.Bool().Draw(t, "digest") {
			m = message{kind: kindDigest, sender: m.sender, cluster: m.cluster, digest: rapid.Uint64().Draw(t, "digest")}
		}
		got, err := decodeMessage(m.encode())
		if err != nil || got.kind != m.kind || got.sender != m.sender || got.cluster != m.cluster || got.digest != m.digest {
			t.Fatalf("%v, %v", got, err)
		}
		if m.kind == kindState && !same(got.state, m.state) {
			t.Fatal("another state is read")
		}
		flipped := m.encode()
		bit := rapid.IntRange(0, 8*len(flipped)-1).Draw(t, "bit")
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeMessage(flipped); err == nil {
			t.Fatal("a flipped bit is not noticed")
		}
	})
}

func TestSnapshotsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := snapshot{self: someID(t, "self"), cluster: ring.ID{7}, name: "x", parted: rapid.Bool().Draw(t, "parted"), state: anyState(t)}
		got, err := decodeSnapshot(s.encode())
		if err != nil || got.self != s.self || got.cluster != s.cluster || got.name != s.name || got.parted != s.parted || !same(got.state, s.state) {
			t.Fatalf("%v, %v", got, err)
		}
		flipped := s.encode()
		bit := rapid.IntRange(0, 8*len(flipped)-1).Draw(t, "bit")
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := decodeSnapshot(flipped); err == nil {
			t.Fatal("a flipped bit is not noticed")
		}
	})
}

// TestSaveReplacesAtOnce: what a crash left half-written is not read.
func TestSaveReplacesAtOnce(t *testing.T) {
	dir := t.TempDir()
	if _, found, err := load(dir); found || err != nil {
		t.Fatalf("an empty directory: %v, %v", found, err)
	}
	s := snapshot{self: ring.ID{1}, name: "x", state: newState()}
	must(t, save(dir, s.encode()))
	must(t, os.WriteFile(filepath.Join(dir, fileName+".new"), []byte("half"), 0o600))
	got, found, err := load(dir)
	if err != nil || !found || got.self != s.self {
		t.Fatalf("%v, %v, %v", got, found, err)
	}
	must(t, save(dir, s.encode()))
}

// sealed puts a right checksum behind bytes, so that fuzzing gets past it.
func sealed(b []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, castagnoli))
}

func FuzzMessage(f *testing.F) {
	seed := message{kind: kindState, sender: ring.ID{1}, cluster: ring.ID{2}, state: who("abc", "a>b", "c-")}.encode()
	f.Add(seed[:len(seed)-4])
	digest := message{kind: kindDigest, sender: ring.ID{1}, cluster: ring.ID{2}, digest: 5}.encode()
	f.Add(digest[:len(digest)-4])
	f.Add([]byte{})
	f.Add(append(bytes.Clone(seed[:42]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decodeMessage(b); err == nil && len(b) < 4 {
			t.Fatal("too short to be a message")
		}
		m, err := decodeMessage(sealed(b))
		if err != nil {
			return
		}
		// What is read can be written, read again, and merged.
		again, err := decodeMessage(m.encode())
		if err != nil || m.kind == kindState && !same(m.state, again.state) {
			t.Fatalf("%v, after %v", err, m)
		}
		if m.kind == kindState {
			s := newState()
			s.merge(m.state)
			compute(snapshot{self: ring.ID{1}, cluster: ring.ID{2}, state: s}, 3, sight{}, nil)
		}
	})
}

// FuzzReceived feeds a node's core what a member might send, and looks that the
// node stays what it is.
func FuzzReceived(f *testing.F) {
	seed := appendState(nil, who("abc", "a>b", "c-"))
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		c := newTestCore('a')
		c.found("test")
		c.settle()
		cluster := c.snap.cluster
		d := decoder{b: b}
		s := d.state()
		if d.end() != nil {
			return
		}
		c.received(epoch0, message{kind: kindState, sender: ring.ID{'z'}, cluster: cluster, state: s})
		c.tick(epoch0.Add(c.o.Timing.Tick))
		if c.snap.cluster == cluster {
			if e := c.me(); !sameOwn(e.own, own{self: c.o.Self}) || len(e.reports.on) > 0 {
				t.Fatalf("others have changed what it says of itself: %+v", e)
			}
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	seed := snapshot{self: ring.ID{1}, cluster: ring.ID{2}, name: "x", state: who("ab")}.encode()
	f.Add(seed[:len(seed)-4])
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeSnapshot(b)
		if s, err := decodeSnapshot(sealed(b)); err == nil {
			if again, err := decodeSnapshot(s.encode()); err != nil || !same(again.state, s.state) {
				t.Fatalf("%v, after %v", err, s)
			}
		}
	})
}

func TestGreetingsAreReadBack(t *testing.T) {
	a := newAsk(ring.NewID(), "peer:1", ring.NewID())
	if got, err := parseAsk(a.args()); err != nil || got != a {
		t.Errorf("%v, %v", got, err)
	}
	g := greeting{version: "v", name: "n", cluster: ring.NewID(), node: ring.NewID(), vote: ring.NewID(), n: 3, r: 2, w: 1, members: 9, peer: "p", gossip: "g", refuses: "r", hides: true}
	g.proof = g.prove("secret", a)
	got, err := parseGreeting(append(g.fields(), "later", "field"))
	if err != nil || !reflect.DeepEqual(got, g) {
		t.Errorf("%v, %v", got, err)
	}
	for i := range g.fields() {
		broken := g.fields()
		broken[i] = "\x00"
		if got, err := parseGreeting(broken); err == nil && reflect.DeepEqual(got, g) {
			t.Errorf("field %d does not matter", i)
		}
	}
	if g.prove("secret", a) == g.prove("other", a) || g.prove("secret", a) == g.prove("secret", newAsk(a.node, a.peer, a.vote)) {
		t.Error("proofs do not depend on the secret and the challenge")
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add("node", "00", "challenge")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		parseAsk([]string{a, b, c})
		parseAsk([]string{"node", a, "peer", b, "challenge", c})
		parseGreeting([]string{a, b, c, a})
		parseGreeting([]string{"version", a, "name", b, "cluster", c, "node", a, "vote", b, "n", c, "r", a, "w", b})
	})
}
