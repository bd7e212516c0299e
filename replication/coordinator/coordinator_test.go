package coordinator

import (
	"fmt"
	"testing"

	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
)

var three = simOptions{nodes: 3, n: 3, r: 2, w: 2}

func TestSetAndGetOnEveryNode(t *testing.T) {
	for n := 1; n <= 5; n++ {
		s := newSim(t, uint64(n), simOptions{nodes: n, n: min(n, 3), r: min(n, 3)/2 + 1, w: min(n, 3)/2 + 1})
		for i := range min(n, 3) {
			s.mustSet(i, "k", fmt.Sprint("v", i))
			for j := range min(n, 3) {
				if v := s.mustGet(j, "k"); v != fmt.Sprint("v", i) {
					t.Fatalf("%d nodes: %d has written, %d reads %q", n, i, j, v)
				}
			}
		}
		s.run()
		for i := range min(n, 3) {
			if w := s.nodes[i].whole("k"); len(w.Values) != 1 {
				t.Fatalf("%d nodes: node %d holds %+v", n, i, w)
			}
		}
	}
}

// TestPipelinedSetsOfDifferentKeysCostOneRound: 64 SETs started at once are over
// after one trip to the others and back.
func TestPipelinedSetsOfDifferentKeysCostOneRound(t *testing.T) {
	s := newSim(t, 1, three)
	s.fixed = 1000
	ended := 0
	for i := range 64 {
		s.nodes[0].set(fmt.Sprint("k", i), "v", func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			ended++
		})
	}
	for len(s.queue) > 0 && s.queue[0].at <= 2000 {
		s.step()
	}
	if ended != 64 {
		t.Fatalf("%d of 64 SETs are over after one round", ended)
	}
	if s.sent != 128 {
		t.Fatalf("%d calls for 64 SETs", s.sent)
	}
	s.run()
	// A read of two equal replicas is one call and one round, too.
	s.sent = 0
	begin := s.now.Load()
	if v := s.mustGet(0, "k1"); v != "v" || s.now.Load() != begin+2000 || s.sent != 1 {
		t.Fatalf("%q after %d us and %d calls", v, s.now.Load()-begin, s.sent)
	}
}

// TestPipelinedCommandsOnOneKeyAreInOrder: each GET reads what the SET or INCR
// before it has written, whatever waits.
func TestPipelinedCommandsOnOneKeyAreInOrder(t *testing.T) {
	for seed := range uint64(15) {
		s := newSim(t, seed, three)
		n, ended := 0, 0
		for i := range 40 {
			switch s.rng.IntN(3) {
			case 0:
				n = 1000 * (i + 1)
				s.nodes[0].set("k", fmt.Sprint(n), func(err error) { ended++ })
			case 1:
				n++
				want := n
				s.nodes[0].incr("k", func(got int, err error) {
					if ended++; err != nil || got != want {
						t.Fatalf("seed %d: INCR %d: %v, want %d", seed, got, err, want)
					}
				})
			}
		}
		want := fmt.Sprint(n)
		s.nodes[0].get("k", func(got string, err error) {
			if ended++; err != nil || got != want && n != 0 {
				t.Fatalf("seed %d: GET %q: %v, want %s", seed, got, err, want)
			}
		})
		s.run()
		if v := s.mustGet(2, "k"); v != want && n != 0 {
			t.Fatalf("seed %d: %q at last, want %s", seed, v, want)
		}
	}
}

// TestManyKeysAtOnce: MSET and MGET are one call to each peer.
func TestManyKeysAtOnce(t *testing.T) {
	s := newSim(t, 3, three)
	keys := []string{"{a}1", "{a}2", "{a}3"}
	mset := func(keys []string, value string) {
		s.must(func(done func(error)) {
			s.nodes[0].start(keys, 1, Call{Unread: true}, func(tx *replica.Txn) {
				for i := range keys {
					tx.Set(i, []byte(value), 0)
				}
			}, done)
		})
	}
	mset(keys, "x")
	s.run()
	if s.sent != 2 {
		t.Fatalf("%d calls for an MSET", s.sent)
	}
	s.sent = 0
	got := ""
	mget := func(node int) {
		got = ""
		s.must(func(done func(error)) {
			s.nodes[node].start(keys, 0, Call{}, func(tx *replica.Txn) {
				for i := range keys {
					v, _ := tx.Get(i)
					got += string(v)
				}
			}, done)
		})
	}
	if mget(0); got != "xxx" || s.sent != 1 {
		t.Fatalf("%q after %d calls", got, s.sent)
	}
	s.lose = func(kind string, from, to int) bool { return to == 2 }
	mset(keys[:2], "y")
	s.run()
	s.lose = nil
	for _, x := range s.nodes {
		clear(x.suspects)
	}
	if mget(2); got != "yyx" {
		t.Fatalf("%q", got)
	}
	s.run()
	for _, x := range s.nodes {
		if w := x.whole("{a}1"); len(w.Values) != 1 || string(w.Values[0].Value) != "y" {
			t.Fatalf("%+v after a read has repaired it", w)
		}
	}
	// A batch of a conditional command is all or nothing.
	msetnx := func(node int, keys []string) (set bool) {
		s.must(func(done func(error)) {
			s.nodes[node].start(keys, 1, Call{}, func(tx *replica.Txn) {
				set = true
				for i := range keys {
					set = set && !tx.Exists(i)
				}
				for i := range keys {
					if set {
						tx.Set(i, []byte("z"), 0)
					}
				}
			}, done)
		})
		return set
	}
	if msetnx(1, []string{"{a}3", "{a}4"}) || !msetnx(1, []string{"{a}4", "{a}5"}) {
		t.Fatal("MSETNX")
	}
	keys = []string{"{a}3", "{a}4", "{a}5"}
	if mget(0); got != "xzz" {
		t.Fatal(got)
	}
}

func TestTooFewNodes(t *testing.T) {
	s := newSim(t, 4, three)
	s.mustSet(0, "k", "v")
	s.run()
	for i := 1; i < 3; i++ {
		s.nodes[i].down = true
		s.nodes[0].suspects[i] = true
	}
	code := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()[:11]
	}
	before := s.nodes[0].whole("k")
	if err := s.end(func(done func(error)) { s.nodes[0].set("k", "w", done) }); code(err) != "CLUSTERDOWN" {
		t.Errorf("SET: %v", err)
	}
	if after := s.nodes[0].whole("k"); after.Vector.Compare(before.Vector) != record.Equal {
		t.Error("a SET that says CLUSTERDOWN was applied")
	}
	if err := s.end(func(done func(error)) { s.nodes[0].get("k", func(_ string, err error) { done(err) }) }); code(err) != "CLUSTERDOWN" {
		t.Errorf("GET: %v", err)
	}
	if err := s.end(func(done func(error)) { s.nodes[0].incr("n", func(_ int, err error) { done(err) }) }); code(err) != "CLUSTERDOWN" {
		t.Errorf("INCR: %v", err)
	}
	// Nobody knows of it yet: the write is applied here, and may take effect.
	clear(s.nodes[0].suspects)
	if err := s.end(func(done func(error)) { s.nodes[0].set("k", "w", done) }); code(err) != "NOQUORUM wr" {
		t.Errorf("SET: %v", err)
	}
	if n := s.nodes[0].c.Counters(); n.ClusterDown != 3 || n.NoQuorum != 1 {
		t.Errorf("%+v", n)
	}
}

// TestABlindSetAndADelThroughAnOwnerThatMissedTheLatestWrite: both win over it.
func TestABlindSetAndADelThroughAnOwnerThatMissedTheLatestWrite(t *testing.T) {
	for seed := range uint64(20) {
		s := newSim(t, seed, three)
		s.nodes[0].skew, s.nodes[1].skew, s.nodes[2].skew = 300, 300, 0 // its dots are lower
		s.lose = func(kind string, from, to int) bool { return to == 2 }
		s.mustSet(0, "k", "old")
		s.mustSet(0, "d", "old")
		s.run()
		s.lose = nil
		for _, x := range s.nodes {
			clear(x.suspects)
		}
		s.now.Store(0)
		s.mustSet(2, "k", "new")
		s.must(func(done func(error)) { s.nodes[2].del("d", func(_ bool, err error) { done(err) }) })
		for i := range 3 {
			if v := s.mustGet(i, "k"); v != "new" {
				t.Fatalf("seed %d: node %d reads %q", seed, i, v)
			}
			if v := s.mustGet(i, "d"); v != "" {
				t.Fatalf("seed %d: node %d reads %q of a key that was deleted", seed, i, v)
			}
		}
		if n := s.nodes[2].c.Counters(); n.Remints == 0 {
			t.Fatalf("seed %d: nothing was minted again", seed)
		}
	}
}

// TestADamagedCopyIsReadFromOthersAndRepaired: it counts for nothing until it is.
func TestADamagedCopyIsReadFromOthersAndRepaired(t *testing.T) {
	s := newSim(t, 1, three)
	for _, k := range []string{"{a}1", "{a}2", "{a}3", "{a}4"} {
		s.mustSet(0, k, "v")
		s.run()
		s.nodes[0].spoil(k)
	}
	if v := s.mustGet(0, "{a}1"); v != "v" {
		t.Fatalf("%q", v)
	}
	got := ""
	s.must(func(done func(error)) {
		s.nodes[0].start([]string{"{a}1", "{a}2"}, replica.Read, Call{}, func(tx *replica.Txn) {
			for i := range 2 {
				v, _ := tx.Get(i)
				got += string(v)
			}
		}, done)
	})
	s.must(func(done func(error)) { s.nodes[0].incr("{a}3", func(n int, err error) { done(err) }) })
	s.mustSet(0, "{a}4", "w")
	s.run()
	if got != "vv" || s.mustGet(2, "{a}4") != "w" {
		t.Fatal(got)
	}
	for _, k := range []string{"{a}1", "{a}2", "{a}3", "{a}4"} {
		if a, b := s.nodes[0].whole(k), s.nodes[1].whole(k); a.Vector.Hash() != b.Vector.Hash() {
			t.Errorf("%s: %+v and %+v", k, a, b)
		}
	}
	// Nobody else has it: the step is told.
	alone := newSim(t, 1, simOptions{nodes: 1, n: 1, r: 1, w: 1})
	alone.mustSet(0, "k", "v")
	alone.nodes[0].spoil("k")
	corrupt := false
	alone.must(func(done func(error)) {
		alone.nodes[0].start([]string{"k"}, replica.Read, Call{}, func(tx *replica.Txn) { corrupt = tx.Corrupt(0) }, done)
	})
	if !corrupt {
		t.Error("the step was not told")
	}
	if got, err := alone.rldbGet(0, "k"); err == nil {
		t.Errorf("RLDB.GET answers %+v", got)
	}
	alone.mustSet(0, "k", "w")
	if v := alone.mustGet(0, "k"); v != "w" {
		t.Errorf("%q after it was written over", v)
	}
}

// TestExpiry: an expiry in the past deletes, through the blind path too; one that
// comes is judged when it is read.
func TestExpiry(t *testing.T) {
	s := newSim(t, 1, three)
	s.mustSet(0, "k", "v")
	s.run()
	now := s.nodes[0].store.Clock().Milli()
	expire := func(node int, at int64, blind bool) {
		s.must(func(done func(error)) {
			s.nodes[node].start([]string{"k"}, replica.Write, Call{Unread: blind}, func(tx *replica.Txn) {
				if blind {
					tx.Set(0, []byte("w"), at)
				} else if v, ok := tx.Get(0); ok {
					tx.Set(0, v, at)
				}
			}, done)
		})
		s.run()
	}
	expire(1, now+10_000, false)
	if v := s.mustGet(2, "k"); v != "v" {
		t.Fatal(v)
	}
	s.run()
	s.after(11_000_000, func() {})
	s.run()
	repairs := s.nodes[2].c.Counters().Repairs
	if v := s.mustGet(2, "k"); v != "" || s.nodes[2].c.Counters().Repairs != repairs {
		t.Fatal(v)
	}
	expire(0, 0, true)
	if v := s.mustGet(2, "k"); v != "w" {
		t.Fatal(v)
	}
	expire(2, 1, true)
	for i := range 3 {
		if w := s.nodes[i].whole("k"); len(w.Values) != 0 || s.mustGet(i, "k") != "" {
			t.Fatalf("%+v", w)
		}
	}
}
