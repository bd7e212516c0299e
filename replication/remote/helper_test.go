package remote

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/memory"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// shaky is the memory engine, with the faults and the waiting of others.
type shaky struct {
	engine.Engine
	fault atomic.Pointer[error] // what writes are refused with
	slow  atomic.Bool           // does nothing at once
	logs  atomic.Bool           // has positions, which are durable when it is told so

	mu      sync.Mutex
	bad     map[string]bool // keys whose values cannot be read, as an engine on disk finds them
	puts    int             // entries that were written
	pos     engine.Position
	flushes int
	waiting []func(error)
}

func newShaky() *shaky { return &shaky{Engine: memory.New(), bad: map[string]bool{}} }

func (e *shaky) Try(t *engine.Txn) bool {
	return !e.slow.Load() && e.do(t)
}

func (e *shaky) Start(t *engine.Txn) {
	go func() {
		if !e.do(t) {
			e.Engine.Start(t) // it is large
			return
		}
		t.Step.Done(t)
	}()
}

// do is false, and has done nothing, if the engine wants to wait.
func (e *shaky) do(t *engine.Txn) bool {
	if err := e.fault.Load(); err != nil && t.Mode != engine.Read {
		t.Prepare()
		t.Err = *err
		return true
	}
	if t.Mode != engine.Blind && e.unreadable(t) {
		t.Prepare()
		t.Err = engine.ErrCorrupt
		return true
	}
	if !e.Engine.Try(t) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range t.New {
		if t.New[i].Action == engine.Put && t.Mode != engine.Read {
			e.puts++
			delete(e.bad, string(t.Keys[i].Name))
		}
	}
	if e.logs.Load() {
		e.pos++
		t.Pos = e.pos
	}
	return true
}

func (e *shaky) unreadable(t *engine.Txn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range t.Keys {
		if e.bad[string(t.Keys[i].Name)] {
			return true
		}
	}
	return false
}

func (e *shaky) Flush() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flushes++
	return nil
}

func (e *shaky) Await(pos engine.Position, done func(error)) {
	if pos == 0 {
		done(nil)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting = append(e.waiting, done)
}

// durable ends what waits.
func (e *shaky) durable(err error) {
	e.mu.Lock()
	all := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	for _, done := range all {
		done(err)
	}
}

func (e *shaky) written() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.puts
}

// damage changes the bytes that are stored under a key, behind the store's back.
func (e *shaky) damage(name string) {
	t := engine.Txn{Keys: []engine.Key{replica.KeyOf([]byte(name))}, Mode: engine.Write, Step: spoil{}}
	e.Engine.Try(&t)
}

type spoil struct{}

func (spoil) Decide(t *engine.Txn) {
	b := bytes.Clone(t.Old[0].Value)
	b[len(b)-1] ^= 1
	t.New[0] = engine.Change{Action: engine.Put, Meta: t.Old[0].Meta, Body: b}
}

func (spoil) Done(*engine.Txn) {}

// node is a store, who answers from it, and a client that asks it.
type node struct {
	*Client
	eng    *shaky
	store  *replica.Store
	server *Server
	self   ring.ID
	idle   bool // Idle follows each request

	mu        sync.Mutex
	requests  int
	published []string
	observed  record.HLC
}

// remoteError is what the transport makes of an error that the other side answers.
type remoteError string

func (e remoteError) Error() string { return string(e) }

var errUnsent = errors.New("not sent")

func newNode(t interface{ Cleanup(func()) }) *node {
	n := &node{eng: newShaky(), idle: true, self: ring.ID{1}}
	n.store = replica.Open(replica.Options{
		Engine: n.eng, Clock: record.NewClock(func() int64 { return 1_000_000 }), Actor: rand.Uint64(),
		Log: slog.New(slog.DiscardHandler), Replicated: true,
	})
	n.server = NewServer(ServerOptions{
		Store: n.store, Current: func() bool { return true },
		Standing: func(asker ring.ID) Standing { return Standing{Start: uint64(asker[0]), Foreign: 5, Current: true} },
		Publish: func(channel, message []byte) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.published = append(n.published, string(channel)+":"+string(message))
		},
		Observe: func(x record.HLC) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.observed = max(n.observed, x)
		},
	})
	n.Client = NewClient(n, func(err error) bool { return errors.Is(err, errUnsent) })
	t.Cleanup(func() { n.store.Close() })
	return n
}

// Start is Transport, without a network: what is sent is copied.
func (n *node) Start(_ ring.ID, request []byte, done func([]byte, error)) {
	n.mu.Lock()
	n.requests++
	n.mu.Unlock()
	n.server.Handle(n.self, bytes.Clone(request), func(answer []byte, err error) {
		if err != nil {
			done(nil, remoteError(err.Error()))
			return
		}
		done(bytes.Clone(answer), nil)
	})
	if n.idle {
		n.server.Idle()
	}
}

// The calls, for who waits.

func (n *node) write(w *coordinator.WriteRequest) (a coordinator.WriteAnswer, err error) {
	over := make(chan struct{})
	n.Write(n.self, w, func(got coordinator.WriteAnswer, e error) { a, err = got, e; close(over) })
	<-over
	return a, err
}

func (n *node) put(conditional bool, names []string, records ...record.Whole) (coordinator.WriteAnswer, error) {
	w := &coordinator.WriteRequest{Conditional: conditional}
	for i, name := range names {
		w.Records = append(w.Records, coordinator.Entry{Key: replica.KeyOf([]byte(name)), Whole: records[i]})
	}
	return n.write(w)
}

func keysOf(names ...string) (keys []engine.Key) {
	for _, name := range names {
		keys = append(keys, replica.KeyOf([]byte(name)))
	}
	return keys
}

func (n *node) hash(names ...string) (a coordinator.HashAnswer, err error) {
	over := make(chan struct{})
	n.Hash(n.self, keysOf(names...), func(got coordinator.HashAnswer, e error) { a, err = got, e; close(over) })
	<-over
	return a, err
}

func (n *node) fetch(names ...string) (w []record.Whole, err error) {
	over := make(chan struct{})
	n.Fetch(n.self, keysOf(names...), func(got []record.Whole, e error) { w, err = got, e; close(over) })
	<-over
	return w, err
}

// equal says whether two records are the same, bytes too.
func equal(a, b *record.Whole) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() && b.IsZero()
	}
	return bytes.Equal(a.Append(nil), b.Append(nil))
}

func dot(actor uint64, t record.HLC) record.Dot { return record.Dot{Actor: actor, HLC: t} }

// value is a record of one value that has seen nothing.
func value(d record.Dot, text string) record.Whole {
	var none record.Whole
	return none.Put(d, record.NewValue([]byte(text), 0))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
