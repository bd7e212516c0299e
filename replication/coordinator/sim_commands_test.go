package coordinator

import (
	"strconv"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
)

// simStep is a command.
type simStep struct {
	decide func(*replica.Txn)
	done   func(*replica.Txn)
}

func (s *simStep) Decide(t *replica.Txn) { s.decide(t) }
func (s *simStep) Done(t *replica.Txn)   { s.done(t) }

// start carries out a command; done gets its error.
func (x *simNode) start(keys []string, mode engine.Mode, call Call, decide func(*replica.Txn), done func(error)) {
	t := new(replica.Txn)
	names := make([][]byte, len(keys))
	step := &simStep{decide: decide}
	t.Reset(x.store, mode, x.store.Clock().Milli(), step)
	for i, k := range keys {
		names[i] = []byte(k)
		t.Key(names[i])
	}
	ended := false
	step.done = func(t *replica.Txn) {
		if ended {
			x.sim.t.Fatal("Done is called twice")
		}
		ended = true
		err := t.Err()
		for i := range names { // the caller uses its memory again
			for j := range names[i] {
				names[i][j] = '#'
			}
		}
		done(err)
	}
	call.Txn, call.Step = t, step
	x.c.Start(&call)
}

func (x *simNode) set(key, value string, done func(error)) { x.setWith(key, value, Call{}, done) }

func (x *simNode) setWith(key, value string, call Call, done func(error)) {
	data := []byte(value)
	call.Unread = true
	x.start([]string{key}, replica.Write, call, func(t *replica.Txn) { t.Set(0, data, 0) }, func(err error) {
		for i := range data {
			data[i] = '#'
		}
		done(err)
	})
}

func (x *simNode) get(key string, done func(string, error)) {
	value := ""
	x.start([]string{key}, replica.Read, Call{}, func(t *replica.Txn) {
		v, _ := t.Get(0)
		value = string(v)
	}, func(err error) { done(value, err) })
}

func (x *simNode) del(key string, done func(removed bool, err error)) {
	removed := false
	x.start([]string{key}, replica.Write, Call{}, func(t *replica.Txn) {
		if removed = t.Exists(0); removed {
			t.Delete(0)
		}
	}, func(err error) { done(removed, err) })
}

// incr gives the new value, 0 if what is there is no number.
func (x *simNode) incr(key string, done func(int, error)) {
	n := 0
	x.start([]string{key}, replica.Write, Call{}, func(t *replica.Txn) {
		v, ok := t.Get(0)
		old, err := strconv.Atoi(string(v))
		if n = 0; ok && err != nil {
			return
		}
		n = old + 1
		t.Set(0, []byte(strconv.Itoa(n)), 0)
	}, func(err error) { done(n, err) })
}

// must runs until a command has ended, and fails if it failed.
func (s *sim) must(start func(done func(error))) {
	s.t.Helper()
	if err := s.end(start); err != nil {
		s.t.Fatal(err)
	}
}

// end runs until a command has ended, no further.
func (s *sim) end(start func(done func(error))) (err error) {
	s.t.Helper()
	ended := false
	start(func(e error) { err, ended = e, true })
	for !ended {
		if !s.step() {
			s.t.Fatal("a command has no end")
		}
	}
	return err
}

func (s *sim) mustSet(node int, key, value string) {
	s.t.Helper()
	s.must(func(done func(error)) { s.nodes[node].set(key, value, done) })
}

func (s *sim) mustGet(node int, key string) (value string) {
	s.t.Helper()
	s.must(func(done func(error)) {
		s.nodes[node].get(key, func(v string, err error) {
			value = v
			done(err)
		})
	})
	return value
}
