package remote

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
	"pgregory.net/rapid"
)

// twin is what a replica holds, as a plain map, and what it says to a write.
type twin map[string]record.Whole

func (tw twin) write(w *coordinator.WriteRequest) (a coordinator.WriteAnswer, puts int) {
	for _, e := range w.Records {
		held := tw[string(e.Key.Name)]
		a.Refused = a.Refused || w.Conditional && !held.Accepts(e.Whole.Vector)
	}
	for _, e := range w.Records {
		held := tw[string(e.Key.Name)]
		after := held
		if !a.Refused {
			after = record.Merge(&held, &e.Whole)
			if held.Vector.Compare(after.Vector) != record.Equal {
				puts++
			}
			tw[string(e.Key.Name)] = after
		}
		h := coordinator.HeldAnswer{Unseen: after.Unseen(nil, e.Whole.Vector)}
		h.Known = len(h.Unseen) > 0 && held.Vector.Covers(e.Whole.Vector)
		if len(h.Unseen) > 0 || a.Refused {
			h.Vector = after.Vector
		}
		a.Held = append(a.Held, h)
	}
	return a, puts
}

// TestServerAgainstTwin: writes of records that several nodes make, sent in any order, more
// than once, conditional or not, over an engine that answers at once or later.
func TestServerAgainstTwin(t *testing.T) {
	names := []string{"{a}1", "{a}2", "{a}3", ""}
	rapid.Check(t, func(t *rapid.T) {
		n, tw, puts := newNode(t), twin{}, 0
		now, sent := record.HLC(0), []coordinator.WriteRequest{}
		nodes := []twin{{}, {}} // that mint, each by what it knows
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			n.eng.slow.Store(rapid.Bool().Draw(t, "slow"))
			w := coordinator.WriteRequest{}
			if len(sent) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
				w = sent[rapid.IntRange(0, len(sent)-1).Draw(t, "which")]
			} else {
				w.Conditional = rapid.Bool().Draw(t, "conditional")
				actor := rapid.IntRange(0, 1).Draw(t, "actor")
				for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID).Draw(t, "names") {
					now++
					known := nodes[actor][name]
					if rapid.Bool().Draw(t, "reads first") {
						held := tw[name]
						known = record.Merge(&known, &held)
					}
					next := known.Put(dot(uint64(actor)+1, now), record.NewValue(fmt.Append(nil, now), 0))
					if rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
						next = known.Delete(dot(uint64(actor)+1, now))
					}
					nodes[actor][name] = next
					w.Records = append(w.Records, coordinator.Entry{Key: replica.KeyOf([]byte(name)), Whole: next})
				}
				sent = append(sent, w)
			}
			got, err := n.write(&w)
			want, more := tw.write(&w)
			puts += more
			same(t, "answer", got, want, err)
			if n.eng.written() != puts {
				t.Fatalf("%d entries were written, want %d", n.eng.written(), puts)
			}
		}
		tw.check(t, n, names)
	})
}

func (tw twin) check(t *rapid.T, n *node, names []string) {
	got, err := n.fetch(names...)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := n.hash(names...)
	if err != nil || !hashes.Current {
		t.Fatalf("hashes: %+v, %v", hashes, err)
	}
	for i, name := range names {
		want := tw[name]
		if !equal(&got[i], &want) || hashes.Hashes[i] != want.Vector.Hash() {
			t.Fatalf("%q is %+v, want %+v", name, got[i], want)
		}
	}
}

func TestConditionalIsAllOrNone(t *testing.T) {
	n := newNode(t)
	old := value(dot(1, 1), "old")
	_, err := n.put(false, []string{"{a}1"}, old)
	must(t, err)
	before := n.eng.written()
	a, err := n.put(true, []string{"{a}2", "{a}1"}, value(dot(2, 2), "new"), value(dot(2, 3), "new"))
	if err != nil || !a.Refused || !slices.Equal(a.Held[1].Unseen, []record.Dot{dot(1, 1)}) || !slices.Equal(a.Held[1].Vector, old.Vector) {
		t.Errorf("one key is not covered: %+v, %v", a, err)
	}
	if len(a.Held[0].Vector) != 0 || n.eng.written() != before {
		t.Errorf("something was stored: %+v", a)
	}
	next := old.Put(dot(2, 4), record.NewValue([]byte("new"), 0))
	if a, err = n.put(true, []string{"{a}2", "{a}1"}, value(dot(2, 2), "new"), next); err != nil || a.Refused || n.eng.written() != before+2 {
		t.Errorf("both are covered: %+v, %v", a, err)
	}
	if a, err = n.put(true, []string{"{a}1"}, next); err != nil || a.Refused || n.eng.written() != before+2 {
		t.Errorf("the same again: %+v, %v", a, err)
	}
	if n.observed != 4 {
		t.Errorf("the clock was told of %d, want 4", n.observed)
	}
}

// A bad record is an error for all of its request, and nothing of it is stored.
func TestBadRecordsAreRefused(t *testing.T) {
	n := newNode(t)
	bad := value(dot(1, 2), "bad")
	bad.Values[0].CRC++
	_, err := n.put(false, []string{"good", "bad"}, value(dot(1, 1), "good"), bad)
	if !errors.Is(err, coordinator.ErrNotApplied) {
		t.Errorf("error %v", err)
	}
	if _, err = n.put(false, []string{"twice", "twice"}, value(dot(1, 1), "x"), value(dot(1, 2), "y")); !errors.Is(err, coordinator.ErrNotApplied) {
		t.Errorf("a key twice: %v", err)
	}
	if n.eng.written() != 0 || n.observed != 0 {
		t.Errorf("%d records were stored, the clock was told of %d", n.eng.written(), n.observed)
	}
	if _, err = n.hash("a", "a"); err == nil {
		t.Error("a hash of the same key twice")
	}
}

// Many at once, on few keys, over an engine that answers now at once and now later: all
// that was written is merged, and every answer is its own.
func TestManyAtOnce(t *testing.T) {
	n := newNode(t)
	n.eng.logs.Store(true)
	stop := make(chan struct{})
	var disk sync.WaitGroup
	disk.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				n.eng.slow.Store(!n.eng.slow.Load())
				n.eng.durable(nil)
			}
		}
	})
	const writers, each = 8, 60
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for j := range each {
				names := []string{fmt.Sprintf("{a}%d", j%5), fmt.Sprintf("{a}%d", 5+i%3)}
				text := fmt.Sprint(i, "/", j)
				at := record.HLC(j + 1)
				if _, err := n.put(false, names, value(dot(uint64(i+1), at), text), value(dot(uint64(i+1), at), text)); err != nil {
					t.Error(err)
				}
				got, err := n.fetch(names...)
				if err != nil || got[0].Vector.At(uint64(i+1)) < at || got[1].Vector.At(uint64(i+1)) < at {
					t.Errorf("%s: %+v, %v", text, got, err)
				}
			}
		})
	}
	all.Wait()
	got, err := n.fetch("{a}0", "{a}5", "{a}6", "{a}7")
	close(stop)
	disk.Wait()
	must(t, err)
	for k, w := range got[1:] {
		for i := k; i < writers; i += 3 {
			if w.Vector.At(uint64(i+1)) != each {
				t.Errorf("writer %d's last record is not in {a}%d", i, 5+k)
			}
		}
	}
	if len(got[0].Values) != writers {
		t.Errorf("{a}0 has %d values of %d writers", len(got[0].Values), writers)
	}
}

func TestLongFetches(t *testing.T) {
	n := newNode(t)
	var names []string
	var records []record.Whole
	for i := range 7 {
		names = append(names, fmt.Sprintf("{a}%d", i))
		records = append(records, value(dot(1, record.HLC(i+1)), strings.Repeat("x", 3<<20)))
		_, err := n.put(false, names[i:], records[i:]...)
		must(t, err)
	}
	n.requests = 0
	names = append(names, "{a}none")
	got, err := n.fetch(names...)
	must(t, err)
	for i := range records {
		if !equal(&got[i], &records[i]) {
			t.Errorf("record %d: %v", i, got[i].Vector)
		}
	}
	if !got[7].IsZero() || n.requests != 4 {
		t.Errorf("the last: %v; %d requests, want 4", got[7].Vector, n.requests)
	}
}

func TestStandingDigestsPublish(t *testing.T) {
	n := newNode(t)
	_, err := n.put(false, []string{"a"}, value(dot(1, 1), "a"))
	must(t, err)
	n.Client.Standing(ring.ID{}, func(s Standing, err error) {
		if err != nil || s != (Standing{Start: 1, Foreign: 5, Current: true}) {
			t.Errorf("standing: %+v, %v", s, err)
		}
	})
	slot := replica.KeyOf([]byte("a")).Slot
	n.Digests(ring.ID{}, []uint16{slot, slot ^ 1, slot}, func(d []uint64, err error) {
		want := n.store.Digest(slot)
		if err != nil || want == 0 || !slices.Equal(d, []uint64{want, 0, want}) {
			t.Errorf("digests: %v, %v; want %d", d, err, want)
		}
	})
	for _, slots := range [][]uint16{nil, make([]uint16, engine.Slots+1)} {
		n.Digests(ring.ID{}, slots, func(d []uint64, err error) {
			if err == nil {
				t.Errorf("digests of %d slots: %v", len(slots), d)
			}
		})
	}
	n.Client.Publish(ring.ID{}, []byte("news"), []byte("text"), func(err error) {
		if err != nil || !slices.Equal(n.published, []string{"news:text"}) {
			t.Errorf("published %q, %v", n.published, err)
		}
	})
}

func TestPages(t *testing.T) {
	n := newNode(t)
	const keys = 3000
	var want []string
	for i := range keys {
		name := fmt.Sprintf("{a}%d%s", i, strings.Repeat("x", 200))
		want = append(want, name)
		_, err := n.put(false, []string{name}, value(dot(1, record.HLC(i+1)), "x"))
		must(t, err)
	}
	type answer struct {
		page []replica.Listed
		next uint64
		more bool
		err  error
	}
	var got []string
	slot := replica.KeyOf([]byte("{a}")).Slot
	for from, more, pages := uint64(0), true, 0; more; pages++ {
		over := make(chan answer, 1)
		n.Page(ring.ID{}, slot, from, 1<<30, func(page []replica.Listed, next uint64, more bool, err error) {
			over <- answer{page, next, more, err}
		})
		a := <-over
		must(t, a.err)
		size := 0
		for _, l := range a.page {
			got = append(got, string(l.Key.Name))
			size += len(l.Key.Name) + 9
			if l.Hash == 0 || l.Key.Slot != slot {
				t.Fatalf("listed: %+v", l)
			}
		}
		if size > pageBytes || pages > 10 {
			t.Fatalf("page %d has %d bytes", pages, size)
		}
		from, more = a.next, a.more
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d keys were listed, want %d", len(got), len(want))
	}
}

// At most so many pages are read at once.
func TestPagesAreBounded(t *testing.T) {
	n := newNode(t)
	for range maxPages {
		n.server.pages <- struct{}{}
	}
	n.Page(ring.ID{}, 1, 0, 10, func(_ []replica.Listed, _ uint64, _ bool, err error) {
		if err == nil {
			t.Error("one more was read")
		}
	})
}

// FuzzHandle: whatever comes is answered once, and nothing of it panics.
func FuzzHandle(f *testing.F) {
	for _, b := range messages() {
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{KindEnd, 1})
	n := newNode(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var answers atomic.Int32
		over := make(chan struct{})
		n.server.Handle(n.self, bytes.Clone(b), func(answer []byte, err error) {
			if answers.Add(1) == 1 {
				close(over)
			}
			if err == nil && (len(answer) < 2 || answer[0] != b[0]) {
				t.Errorf("%x was answered with %x", b, answer)
			}
		})
		n.server.Idle()
		<-over
		if answers.Load() != 1 {
			t.Errorf("%d answers", answers.Load())
		}
	})
}

// TestChecks: a conditional write is refused if a key that it has only read has changed,
// and the answer is of its records alone.
func TestChecks(t *testing.T) {
	n := newNode(t)
	seen := value(dot(1, 1), "seen")
	_, err := n.put(false, []string{"{a}watched"}, seen)
	must(t, err)
	for _, test := range []struct {
		name    string
		key     string
		vector  record.Vector
		refused bool
	}{
		{"as it was seen", "{a}watched", seen.Vector, false},
		{"seen as absent", "{a}watched", nil, true},
		{"absent, as it was seen", "{a}none", nil, false},
		{"more was seen than is here", "{a}none", seen.Vector, false},
		{"another version was seen", "{a}watched", record.Vector{dot(2, 9)}, true},
	} {
		before := n.eng.written()
		next := value(dot(3, record.HLC(before)+5), test.name)
		w := &coordinator.WriteRequest{Conditional: true,
			Records: []coordinator.Entry{{Key: replica.KeyOf([]byte("{a}" + test.name)), Whole: next}},
			Checks:  []coordinator.Check{{Key: replica.KeyOf([]byte(test.key)), Vector: test.vector}}}
		a, err := n.write(w)
		if err != nil || a.Refused != test.refused || len(a.Held) != 1 || (n.eng.written() == before) != test.refused {
			t.Errorf("%s: %+v, %v", test.name, a, err)
		}
	}
}
