package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// A node goes on by its old view while slots are handed over: the coordinator too, else it would refuse slots that
// the commands still serve.
func TestTheCoordinatorGoesByTheAdoptedView(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	store := replica.Open(replica.Options{
		Engine: memory.New(), Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() }), Actor: 1, Replicated: true, Log: log,
	})
	defer store.Close()
	r := newReplication(&conf.Config{N: 1, R: 1, W: 1, Sloppy: true, NodeTimeout: time.Second}, store, nil, log)
	defer r.close()
	view := func(self, owner byte, members ...byte) *membership.View {
		v := &membership.View{Self: ring.ID{self}, Cluster: ring.ID{9}}
		for _, m := range members {
			v.Members = append(v.Members, membership.Member{ID: ring.ID{m}})
		}
		v.Ring = ring.New([]ring.Member{{ID: ring.ID{owner}, Tokens: []ring.Token{1}}}, 1)
		return v
	}
	put := func() error {
		name := []byte("k")
		got := make(chan error, 1)
		k := engine.Key{Slot: 5, Hash: engine.Hash(name), Name: name}
		r.coord.Put(k, nil, false, []byte("v"), 0, coordinator.Quorum{}, nil, func(_ record.Vector, err error) { got <- err })
		select {
		case err := <-got:
			return err
		case <-time.After(time.Minute):
			t.Fatal("no answer")
			return nil
		}
	}
	r.setView(view(1, 1, 1))
	r.adopt()
	if err := put(); err != nil {
		t.Fatal(err)
	}
	r.setView(view(1, 2, 1, 2)) // its slots go to another
	if err := put(); err != nil {
		t.Errorf("before the view is adopted: %v", err)
	}
	r.adopt()
	if put() == nil {
		t.Error("it still owns what it has left to others")
	}
}

// Who comes into a cluster holds nothing of what it then owns, even if it was alone before, and holds something.
func TestWhoJoinsHasLostWhatItThenOwns(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, test := range map[string]struct {
		cluster, self byte
		lost          bool
	}{
		"others join":     {9, 1, false},
		"it joins":        {8, 1, true},
		"it has a new ID": {9, 3, true},
	} {
		store := replica.Open(replica.Options{
			Engine: memory.New(), Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() }), Actor: 1, Replicated: true, Log: log,
		})
		r := newReplication(&conf.Config{N: 3, R: 2, W: 2, Sloppy: true, NodeTimeout: time.Second}, store, nil, log)
		alone := &membership.View{Self: ring.ID{1}, Cluster: ring.ID{9}, Members: []membership.Member{{ID: ring.ID{1}}}}
		alone.Ring = ring.New([]ring.Member{{ID: ring.ID{1}, Tokens: []ring.Token{1}}}, 3)
		r.setView(alone) // it becomes current, as there is nobody else
		if !r.repair.Current() || r.repair.Lost() {
			t.Fatal("alone, and not current")
		}
		both := &membership.View{Self: ring.ID{test.self}, Cluster: ring.ID{test.cluster}}
		both.Members = []membership.Member{{ID: ring.ID{test.self}}, {ID: ring.ID{7}}}
		both.Ring = ring.New([]ring.Member{{ID: ring.ID{test.self}, Tokens: []ring.Token{1}}, {ID: ring.ID{7}, Tokens: []ring.Token{2}}}, 3)
		r.setView(both)
		if got := r.repair.Lost(); got != test.lost {
			t.Errorf("%s: lost is %v", name, got)
		}
		r.close()
		store.Close()
	}
}
