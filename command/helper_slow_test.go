package command

import (
	"errors"
	"os"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
)

// testEngine is the engine of the nodes in this package's tests. With
// RLDB_TEST_ENGINE=slow every call has to wait for a disk, and every reply: the
// tests' outcome must be the same (check.sh runs them both ways).
func testEngine() engine.Engine {
	if os.Getenv("RLDB_TEST_ENGINE") == "slow" {
		return newSlowEngine()
	}
	return memory.New()
}

// slowEngine is the memory engine behind a pretended disk: nothing is done at
// once, and what was done is durable a moment later.
type slowEngine struct {
	engine.Engine
	running sync.WaitGroup

	mu     sync.Mutex // guards what follows
	pos    engine.Position
	starts int               // calls of Start so far
	tries  int               // and of Try
	hold   func(*engine.Txn) // called by the goroutine of each transaction, before it is carried out
	refuse error             // what writes fail with
	lost   error             // what Await fails with
	waits  []func(error)     // of held Awaits
	holds  bool              // Awaits are held

	// ordered has writes carried out one after another, as they were started;
	// last is closed when the one before is over. It is set before any call.
	ordered bool
	last    chan struct{}
}

func (e *slowEngine) InOrder() bool { return e.ordered }

func newSlowEngine() *slowEngine { return &slowEngine{Engine: memory.NewIndex()} }

func (e *slowEngine) Try(t *engine.Txn) bool {
	e.set(func() { e.tries++ })
	return false
}

func (e *slowEngine) TryScan(s *engine.Scan) bool { return false }

func (e *slowEngine) Start(t *engine.Txn) {
	e.mu.Lock()
	e.starts++
	hold, refuse := e.hold, e.refuse
	before, over := e.last, make(chan struct{})
	queues := e.ordered && t.Mode != engine.Read
	if queues {
		e.last = over
	}
	e.mu.Unlock()
	e.running.Go(func() {
		defer close(over)
		if queues && before != nil {
			<-before
		}
		if hold != nil {
			hold(t)
		}
		if refuse != nil && t.Mode != engine.Read {
			t.Prepare()
			t.Err = refuse
		} else if !e.Engine.Try(t) {
			t.Err = errors.New("the memory engine waits")
		} else {
			e.mu.Lock()
			if t.Mode != engine.Read {
				e.pos++
			}
			t.Pos = e.pos
			e.mu.Unlock()
		}
		t.Step.Done(t)
	})
}

func (e *slowEngine) StartScan(s *engine.Scan) {
	e.running.Go(func() {
		e.Engine.TryScan(s)
		s.Done(s)
	})
}

func (e *slowEngine) Await(pos engine.Position, done func(error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.holds {
		e.waits = append(e.waits, done)
		return
	}
	err := e.lost
	e.running.Go(func() { done(err) })
}

// settle ends the Awaits that are held, and with the same outcome those to come.
func (e *slowEngine) settle(err error) {
	e.mu.Lock()
	e.holds, e.lost = false, err
	waits := e.waits
	e.waits = nil
	e.mu.Unlock()
	for _, done := range waits {
		done(err)
	}
}

func (e *slowEngine) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *slowEngine) started() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.starts
}

func (e *slowEngine) held() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.waits)
}

func (e *slowEngine) Close() error {
	e.running.Wait()
	return e.Engine.Close()
}
