package enginetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/rldb/rldb/engine"
)

const workers = 4

// together runs f in each of the workers, and gives their first error.
func together(f func(worker int) error) error {
	var wg sync.WaitGroup
	errs := make(chan error, workers)
	for i := range workers {
		wg.Go(func() {
			if err := f(i); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func number(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func asNumber(n uint64) engine.Change {
	return engine.Change{Action: engine.Put, Body: binary.LittleEndian.AppendUint64(nil, n)}
}

// testCounters adds to a few counters from everywhere: no addition is lost.
func testCounters(t *testing.T, open Open) {
	e := opened(t, open)
	const counters, adds = 5, 1000
	must(t, together(func(int) error {
		for i := range adds {
			k := Key(uint16(i%counters), "counter")
			_, err := Do(e, engine.Write, []engine.Key{k}, func(x *engine.Txn) {
				x.New[0] = asNumber(number(x.Old[0].Value) + 1)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	for i := range uint16(counters) {
		r, _, err := get(e, Key(i, "counter"))
		must(t, err)
		if got := number([]byte(r.Value)); got != workers*adds/counters {
			t.Errorf("counter %d is %d, want %d", i, got, workers*adds/counters)
		}
	}
}

// testTransfers moves amounts between accounts in several slots, some of which
// come and go, while others add all of them up: the total is the same always.
func testTransfers(t *testing.T, open Open) {
	e := opened(t, open)
	const accounts, each, transfers = 12, 100, 600
	keys := make([]engine.Key, accounts)
	for i := range keys {
		keys[i] = Key(uint16(i*29), fmt.Sprint("account", i))
	}
	total := func() (sum uint64, err error) {
		_, err = Do(e, engine.Read, keys, func(x *engine.Txn) {
			sum = 0
			for _, old := range x.Old {
				sum += number(old.Value)
			}
		})
		return sum, err
	}
	_, err := Do(e, engine.Write, keys, func(x *engine.Txn) {
		for i := range x.New {
			x.New[i] = asNumber(each)
		}
	})
	must(t, err)
	must(t, together(func(worker int) error {
		rng := rand.New(rand.NewPCG(uint64(worker), 1))
		for range transfers {
			i, j := rng.IntN(accounts), rng.IntN(accounts-1)
			if j >= i {
				j++
			}
			if err := transfer(e, keys[i], keys[j], rng.Uint64N(each)); err != nil {
				return err
			}
			if sum, err := total(); err != nil || sum != accounts*each {
				return fmt.Errorf("accounts add up to %d, want %d (error %v)", sum, accounts*each, err)
			}
		}
		return nil
	}))
}

// transfer moves an amount, or all there is; an account without any is deleted.
func transfer(e engine.Engine, from, to engine.Key, amount uint64) error {
	_, err := Do(e, engine.Write, []engine.Key{from, to}, func(x *engine.Txn) {
		a, b := number(x.Old[0].Value), number(x.Old[1].Value)
		amount := min(amount, a)
		runtime.Gosched() // who is not locked out comes in here
		x.New[0], x.New[1] = asNumber(a-amount), asNumber(b+amount)
		if amount == a {
			x.New[0] = engine.Change{Action: engine.Delete}
		}
	})
	return err
}

// testScanWhileGrowing pages through a slot while others put keys into it and
// delete them again: keys that are there throughout are seen exactly once.
func testScanWhileGrowing(t *testing.T, open Open) {
	e := opened(t, open)
	const slot, steady, page = 77, 300, 50
	for i := range steady {
		_, err := put(e, Key(slot, fmt.Sprint("steady", i)), engine.Meta{1}, "value")
		must(t, err)
	}
	must(t, together(func(worker int) error {
		if worker == 0 {
			for range 30 {
				if err := scanSteady(e, slot, page, steady); err != nil {
					return err
				}
			}
			return nil
		}
		for i := range 2000 {
			if _, err := put(e, Key(slot, fmt.Sprint("worker", worker, i)), engine.Meta{}, "passing"); err != nil {
				return err
			}
		}
		for i := range 2000 {
			if err := remove(e, Key(slot, fmt.Sprint("worker", worker, i))); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, scanSteady(e, slot, page, steady))
	if n := e.Len(slot); n != steady {
		t.Errorf("Len = %d, want %d", n, steady)
	}
}

// scanSteady pages through a slot once and counts the keys whose meta marks
// them as steady.
func scanSteady(e engine.Engine, slot uint16, page, want int) error {
	seen := map[string]bool{}
	for from, more := uint64(0), true; more; {
		v, err := scan(e, slot, from, page, true)
		if err != nil {
			return err
		}
		for _, r := range v.records {
			if r.Meta != (engine.Meta{1}) {
				continue
			}
			if seen[r.Name] {
				return fmt.Errorf("%q was seen twice", r.Name)
			}
			seen[r.Name] = true
		}
		if more = len(v.records) == page; more {
			from = v.hashes[page-1] + 1
		}
	}
	if len(seen) != want {
		return fmt.Errorf("saw %d keys that were there throughout, want %d", len(seen), want)
	}
	return nil
}

// testDropWhileWriting drops a slot while others write to it and its neighbours.
func testDropWhileWriting(t *testing.T, open Open) {
	e := opened(t, open)
	const slot, writes = 10, 1000
	must(t, together(func(worker int) error {
		for i := range writes {
			if worker == 0 && i%50 == 0 {
				if err := e.Drop(slot); err != nil {
					return err
				}
			}
			for _, slot := range []uint16{slot, slot + 64} {
				if _, err := put(e, Key(slot, fmt.Sprint(worker, i)), engine.Meta{}, "value"); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	if n := e.Len(slot + 64); n != workers*writes {
		t.Errorf("the neighbour holds %d keys, want %d", n, workers*writes)
	}
	must(t, e.Drop(slot))
	if n, keys := e.Len(slot), e.Stats().Keys; n != 0 || keys != workers*writes {
		t.Errorf("the slot holds %d keys, want 0; all in all there are %d, want %d", n, keys, workers*writes)
	}
}
