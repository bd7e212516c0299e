package lsm

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
)

// entry is what a twin of the engine holds under a key.
type entry struct {
	meta  byte
	value string
}

// op is one transaction of TestStartedInOrder: what it does to some keys.
type op struct {
	keys   []string
	action engine.Action
	add    string // appended to the old value, for Put
	err    error
	seen   []entry // what it found; no meta: nothing
	done   *sync.WaitGroup
}

func (o *op) Decide(t *engine.Txn) {
	for i, old := range t.Old {
		if !old.Found {
			o.seen = append(o.seen, entry{})
			t.New[i] = engine.Change{Action: o.action, Meta: engine.Meta{1}, Body: []byte(o.add)}
			continue
		}
		o.seen = append(o.seen, entry{old.Meta[0], string(old.Value)})
		// Some bytes are where they were: Body may be part of the old value.
		t.New[i] = engine.Change{Action: o.action, Meta: engine.Meta{old.Meta[0] + 1}, Head: []byte(o.add), Body: old.Value}
	}
}

func (o *op) Done(t *engine.Txn) {
	o.err = t.Err
	o.done.Done()
}

// apply does to a twin what the transaction was to do, and says what it was to
// see.
func (o *op) apply(twin map[string]entry) (seen []entry) {
	for _, k := range o.keys {
		seen = append(seen, twin[k])
	}
	for _, k := range o.keys {
		old, found := twin[k]
		switch {
		case o.action == engine.Delete:
			delete(twin, k)
		case o.action == engine.Put && found:
			twin[k] = entry{old.meta + 1, o.add + old.value}
		case o.action == engine.Put:
			twin[k] = entry{1, o.add}
		}
	}
	return seen
}

func anyOp(t *rapid.T, done *sync.WaitGroup) *op {
	return &op{
		keys:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 3, rapid.ID).Draw(t, "keys"),
		action: rapid.SampledFrom([]engine.Action{engine.Put, engine.Put, engine.Put, engine.Delete, engine.Keep}).Draw(t, "action"),
		add:    rapid.StringN(0, 40, -1).Draw(t, "add"),
		done:   done,
	}
}

// TestStartedInOrder starts transactions without waiting for those before, so
// that many share a round: each sees what those before it have made of its keys,
// as with a twin that does one after another.
func TestStartedInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := small("dir")
		o.FS = vfs.NewMem()
		o.round = bounds{
			txns: rapid.IntRange(1, 30).Draw(t, "txns"), keys: rapid.IntRange(1, 40).Draw(t, "keys"),
			bytes: rapid.Int64Range(0, 300).Draw(t, "bytes"), group: rapid.IntRange(1, 1000).Draw(t, "group"),
		}
		e, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		var done sync.WaitGroup
		ops := make([]*op, rapid.IntRange(1, 60).Draw(t, "ops"))
		for i := range ops {
			ops[i] = anyOp(t, &done)
			txn := &engine.Txn{Mode: engine.Write, Step: ops[i]}
			for _, k := range ops[i].keys {
				txn.Keys = append(txn.Keys, enginetest.Key(uint16(k[0])%3, k))
			}
			done.Add(1)
			e.Start(txn)
		}
		done.Wait()
		twin := map[string]entry{}
		for i, o := range ops {
			if want := o.apply(twin); fmt.Sprint(o.seen) != fmt.Sprint(want) || o.err != nil {
				t.Fatalf("%d of %v: saw %v, want %v; error %v", i, o.keys, o.seen, want, o.err)
			}
		}
		wantTwin(t, e, twin)
	})
}

// wantTwin compares what is stored, and counted, with a twin.
func wantTwin(t *rapid.T, e *Engine, twin map[string]entry) {
	got, live := map[string]entry{}, int64(0)
	for slot := range uint16(3) {
		records, err := enginetest.ScanAll(e, slot, 0, 100, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			got[r.Name] = entry{r.Meta[0], r.Value}
			live += liveBytes(len(r.Name), len(r.Value))
		}
	}
	if !maps.Equal(got, twin) {
		t.Fatalf("the engine holds %v, want %v", got, twin)
	}
	if st := e.Stats(); st.Keys != int64(len(twin)) || st.LiveBytes != live {
		t.Fatalf("%d keys of %d bytes are counted, want %d of %d", st.Keys, st.LiveBytes, len(twin), live)
	}
}

// counted is a step that stores something under each of its keys.
type counted struct {
	body []byte
	done *sync.WaitGroup
}

func (c *counted) Decide(t *engine.Txn) {
	for i := range t.New {
		t.New[i] = engine.Change{Action: engine.Put, Body: c.body}
	}
}

func (c *counted) Done(*engine.Txn) { c.done.Done() }

// TestOrderIsSeen: whoever sees a write sees those that were started before it.
func TestOrderIsSeen(t *testing.T) {
	o := small("dir")
	o.FS = vfs.NewMem()
	e := opened(t, o)
	const rounds, window = 3000, 50
	names := []string{"first", "second", "third"}
	over := make(chan struct{})
	var writes, reads sync.WaitGroup
	reads.Go(func() {
		for {
			last := ""
			for i := len(names) - 1; i >= 0; i-- { // the last written is read first
				v, err := get(e, uint16(i), names[i])
				if err != nil || v < last {
					t.Errorf("%s is %q after another was %q; error %v", names[i], v, last, err)
					return
				}
				last = v
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	for n := range rounds {
		for slot, name := range names {
			writes.Add(1)
			e.Start(&engine.Txn{Keys: []engine.Key{enginetest.Key(uint16(slot), name)}, Mode: engine.Blind,
				Step: &counted{fmt.Appendf(nil, "%08d", n), &writes}})
		}
		if n%window == 0 {
			writes.Wait()
		}
	}
	writes.Wait()
	close(over)
	reads.Wait()
	must(t, e.Close())
}

// TestRoundsShareCommits: what waits together is committed together.
func TestRoundsShareCommits(t *testing.T) {
	o := small("dir")
	o.FS = vfs.NewMem()
	e := opened(t, o)
	before := e.flusher.commits.Load()
	var done sync.WaitGroup
	const all = 100
	begin := startRound(t, e, func() {
		for i := range all {
			done.Add(1)
			e.Start(&engine.Txn{Keys: []engine.Key{enginetest.Key(uint16(i), strings.Repeat("k", i+1))}, Mode: engine.Write,
				Step: &counted{bytes.Repeat([]byte("v"), i), &done}})
		}
	})
	begin()
	done.Wait()
	if n := e.flusher.commits.Load() - before; n != 1 {
		t.Errorf("%d writes that waited together took %d commits", all, n)
	}
	for i := range all {
		wantValue(t, e, uint16(i), strings.Repeat("k", i+1), strings.Repeat("v", i))
	}
	must(t, e.Close())
}

// startRound holds a round back by a first transaction, in which writes is called:
// what that starts waits together. It gives what lets the round begin.
func startRound(t *testing.T, e *Engine, writes func()) (begin func()) {
	t.Helper()
	s := &blocking{entered: make(chan bool), leave: make(chan bool), done: make(chan error, 1)}
	e.Start(&engine.Txn{Keys: []engine.Key{enginetest.Key(9, "first")}, Mode: engine.Write, Step: s})
	<-s.entered
	writes()
	return func() {
		s.leave <- true
		must(t, <-s.done)
	}
}

// TestRefusedInARound: a transaction that is refused once it has decided changes
// nothing, and those around it that share its round are carried out.
func TestRefusedInARound(t *testing.T) {
	o := small("dir")
	o.FS, o.round = vfs.NewMem(), roundBounds
	o.round.bytes = 2 * maxBatch
	e := opened(t, o)
	var done sync.WaitGroup
	one, other := enginetest.Key(1, "k"), enginetest.Key(2, "other")
	many := []engine.Key{other, one}
	part := make([]byte, 4*mib)
	for i := range maxBatch / len(part) { // together more than may be in one batch
		many = append(many, enginetest.Key(3, fmt.Sprint(i)))
	}
	txns := []*engine.Txn{
		{Keys: []engine.Key{one}, Step: &counted{[]byte("before"), &done}},
		{Keys: many, Step: &counted{part, &done}},
		{Keys: []engine.Key{other}, Step: &counted{[]byte("after"), &done}},
	}
	begin := startRound(t, e, func() {
		for _, x := range txns {
			x.Mode = engine.Write
			done.Add(1)
			e.Start(x)
		}
	})
	begin()
	done.Wait()
	wantErr(t, "the vast one", txns[1].Err, engine.ErrTooLarge)
	must(t, txns[0].Err)
	must(t, txns[2].Err)
	wantValue(t, e, 1, "k", "before")
	wantValue(t, e, 2, "other", "after")
	wantValue(t, e, 3, "0", "")
	must(t, e.Close())
}

// weighed is a step that counts how many have decided and are not over. All steps
// of a round are called by one goroutine.
type weighed struct {
	counted
	now, most *int
}

func (w *weighed) Decide(t *engine.Txn) {
	w.counted.Decide(t)
	*w.now++
	*w.most = max(*w.most, *w.now)
}

func (w *weighed) Done(t *engine.Txn) {
	*w.now--
	w.counted.Done(t)
}

// TestRoundIsBounded: new values that together are more than a round may hold are
// carried out in several, in order.
func TestRoundIsBounded(t *testing.T) {
	o := small("dir")
	o.FS, o.round = vfs.NewMem(), roundBounds
	o.round.bytes = mib
	e := opened(t, o)
	const all, size = 60, mib / 4
	var done sync.WaitGroup
	now, most := 0, 0
	begin := startRound(t, e, func() {
		for i := range all {
			done.Add(1)
			e.Start(&engine.Txn{Keys: []engine.Key{enginetest.Key(uint16(i), "k"), enginetest.Key(7, "last")}, Mode: engine.Blind,
				Step: &weighed{counted{bytes.Repeat([]byte{byte(i)}, size/2), &done}, &now, &most}})
		}
	})
	begin()
	done.Wait()
	if most < 2 || most > mib/size+1 {
		t.Errorf("%d transactions of %d bytes were in one round", most, size)
	}
	for i := range all {
		if i != 7 {
			wantValue(t, e, uint16(i), "k", strings.Repeat(string([]byte{byte(i)}), size/2))
		}
	}
	wantValue(t, e, 7, "last", strings.Repeat(string([]byte{all - 1}), size/2))
	must(t, e.Close())
}

// filling is a step that is told that the disk is full.
type filling struct {
	counted
	health *health
}

func (f *filling) Decide(t *engine.Txn) {
	f.counted.Decide(t)
	f.health.full(syscall.ENOSPC)
}

// TestFullInARound: what follows in the round in which the disk became full is
// refused as in the next one.
func TestFullInARound(t *testing.T) {
	o := small("dir")
	o.FS = vfs.NewMem()
	e := opened(t, o)
	e.stopKeeper() // which would find that there is room
	var done sync.WaitGroup
	txns := make([]*engine.Txn, 3)
	begin := startRound(t, e, func() {
		for i := range txns {
			c := counted{[]byte("v"), &done}
			txns[i] = &engine.Txn{Keys: []engine.Key{enginetest.Key(uint16(i), "k")}, Mode: engine.Write, Step: &c}
			if i == 0 {
				txns[i].Step = &filling{c, e.health}
			}
			done.Add(1)
			e.Start(txns[i])
		}
	})
	begin()
	done.Wait()
	must(t, txns[0].Err)
	wantErr(t, "the next", txns[1].Err, engine.ErrDiskFull)
	wantErr(t, "the last", txns[2].Err, engine.ErrDiskFull)
	wantValue(t, e, 0, "k", "v")
	wantValue(t, e, 1, "k", "")
	e.health.room()
	must(t, e.Close())
}
