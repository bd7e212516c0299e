package remote

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// Transport is peer.Pool: done is called once, from any goroutine or from Start itself.
// The answer is done's to keep; the request is the transport's until done is called.
type Transport interface {
	Start(to ring.ID, request []byte, done func(answer []byte, err error))
}

// Client asks. It implements coordinator.Peers but for State.
//
// Its done functions are called by the transport: they must not wait. What they are given is
// theirs to keep, but not to change.
type Client struct {
	t       Transport
	certain func(error) bool
	asks    sync.Pool // of *ask
	nothing []coordinator.HeldAnswer
}

// NewClient makes one. certain says of an error of the transport that the other node
// certainly was not given the request: main gives peer.NotSent. Errors of Write then are
// coordinator.ErrNotApplied; without it (nil) only those are that show before anything is sent.
func NewClient(t Transport, certain func(error) bool) *Client {
	c := &Client{t: t, certain: certain, nothing: make([]coordinator.HeldAnswer, 16)}
	c.asks.New = func() any {
		a := &ask{c: c}
		a.ended = a.end
		return a
	}
	return c
}

// certainly marks an error of a call that certainly changed nothing.
func certainly(err error) error { return fmt.Errorf("%w: %w", coordinator.ErrNotApplied, err) }

// ask is a call under way. It is used again.
type ask struct {
	c     *Client
	b     []byte                       // the request
	ended func(answer []byte, e error) // end, made once
	n     int                          // keys that were asked for
	read  func(a *ask, answer []byte, err error)

	write  func(coordinator.WriteAnswer, error)
	hash   func(coordinator.HashAnswer, error)
	fetch  *fetch
	number func([]uint64, error)
	stand  func(Standing, error)
	page   func([]replica.Listed, uint64, bool, error)
	of     pageRequest
	plain  func(error)
}

// keepRequest is how much memory for a request is kept for the next one.
const keepRequest = 64 << 10

func (c *Client) ask(read func(*ask, []byte, error)) *ask {
	a := c.asks.Get().(*ask)
	a.read = read
	return a
}

// start sends a, whose request is b.
func (a *ask) start(to ring.ID, b []byte) {
	a.b = b
	a.c.t.Start(to, b, a.ended)
}

func (a *ask) end(answer []byte, err error) {
	if err != nil && a.c.certain != nil && a.c.certain(err) {
		err = certainly(err)
	}
	a.read(a, answer, err)
}

// free gives a back, before who asked is told: it may ask again.
func (a *ask) free() {
	if cap(a.b) > keepRequest {
		a.b = nil
	}
	*a = ask{c: a.c, ended: a.ended, b: a.b[:0]}
	a.c.asks.Put(a)
}

// check says why keys cannot be asked for.
func check(n int) error {
	switch {
	case n == 0:
		return certainly(errNothing)
	case n > MaxKeys:
		return certainly(errTooMany)
	}
	return nil
}

// Write has records stored. See coordinator.Peers.
func (c *Client) Write(to coordinator.Node, w *coordinator.WriteRequest, done func(coordinator.WriteAnswer, error)) {
	err := check(len(w.Records))
	if err == nil && len(w.Records)+len(w.Checks) > MaxKeys {
		err = certainly(errTooMany)
	}
	for i := range w.Records {
		if w.Records[i].Whole.IsZero() {
			err = certainly(errNothing)
		}
	}
	if err != nil {
		done(coordinator.WriteAnswer{}, err)
		return
	}
	a := c.ask((*ask).readWrite)
	a.n, a.write = len(w.Records), done
	a.start(to, appendWriteRequest(a.b, w))
}

func (a *ask) readWrite(b []byte, err error) {
	c, n, done := a.c, a.n, a.write
	a.free()
	var w coordinator.WriteAnswer
	if err == nil {
		w, err = readWriteAnswer(b, n, c.nothing)
	}
	done(w, err)
}

// Hash asks for the hashes of the vectors of keys' records.
func (c *Client) Hash(to coordinator.Node, keys []engine.Key, done func(coordinator.HashAnswer, error)) {
	if err := check(len(keys)); err != nil {
		done(coordinator.HashAnswer{}, err)
		return
	}
	a := c.ask((*ask).readHash)
	a.n, a.hash = len(keys), done
	a.start(to, appendKeys(a.b, KindHash, keys))
}

func (a *ask) readHash(b []byte, err error) {
	n, done := a.n, a.hash
	a.free()
	var h coordinator.HashAnswer
	if err == nil {
		h, err = readHashAnswer(b, n)
	}
	if err != nil {
		h = coordinator.HashAnswer{}
	}
	done(h, err)
}

// Damaged is the error of a fetch some of whose records are damaged there. The others
// were read. errors.Is says that it is engine.ErrCorrupt.
type Damaged struct {
	Keys []int // by number, ascending
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("remote: %d of the records are damaged on the other node", len(d.Keys))
}

// Unwrap makes it engine.ErrCorrupt.
func (d *Damaged) Unwrap() error { return engine.ErrCorrupt }

// Fetch asks for the records of keys, zero where there is none. If some are damaged there,
// the error is a *Damaged, and the others are given with it; with any other error none is. A long
// answer comes in parts, one call after another: each has the timeout of a call.
func (c *Client) Fetch(to coordinator.Node, keys []engine.Key, done func([]record.Whole, error)) {
	if err := check(len(keys)); err != nil {
		done(nil, err)
		return
	}
	f := &fetch{c: c, to: to, keys: keys, got: make([]record.Whole, len(keys)), which: make([]int, len(keys)), done: done}
	for i := range f.which {
		f.which[i] = i
	}
	f.ask(keys)
}

// fetch is a Fetch under way.
type fetch struct {
	c     *Client
	to    ring.ID
	keys  []engine.Key
	which []int // that are being asked for
	got   []record.Whole
	bad   []int
	done  func([]record.Whole, error)
}

func (f *fetch) ask(keys []engine.Key) {
	a := f.c.ask((*ask).readFetch)
	a.fetch = f
	a.start(f.to, appendKeys(a.b, KindFetch, keys))
}

func (a *ask) readFetch(b []byte, err error) {
	f := a.fetch
	a.free()
	f.answered(b, err)
}

// answered takes in an answer, and asks for what it has left out: there is less of that
// with each.
func (f *fetch) answered(b []byte, err error) {
	if err != nil {
		f.done(nil, err)
		return
	}
	bad, left, err := readFetchAnswer(b, f.which, f.got)
	f.bad = append(f.bad, bad...)
	switch {
	case err != nil:
		f.done(nil, err)
	case len(left) > 0:
		keys := make([]engine.Key, len(left))
		for i, at := range left {
			keys[i] = f.keys[at]
		}
		f.which = left
		f.ask(keys)
	case len(f.bad) > 0:
		slices.Sort(f.bad)
		f.done(f.got, &Damaged{f.bad})
	default:
		f.done(f.got, nil)
	}
}

// Standing asks a node where it stands.
func (c *Client) Standing(to ring.ID, done func(Standing, error)) {
	a := c.ask((*ask).readStanding)
	a.stand = done
	a.start(to, begin(a.b, KindStanding))
}

func (a *ask) readStanding(b []byte, err error) {
	done := a.stand
	a.free()
	var s Standing
	if err == nil {
		s, err = readStanding(b)
	}
	if err != nil {
		s = Standing{}
	}
	done(s, err)
}

// Digests asks for the digests of slots, in their order.
func (c *Client) Digests(to ring.ID, slots []uint16, done func([]uint64, error)) {
	if len(slots) == 0 || len(slots) > engine.Slots {
		done(nil, certainly(errNothing))
		return
	}
	a := c.ask((*ask).readDigests)
	a.n, a.number = len(slots), done
	a.start(to, appendDigestsRequest(a.b, slots))
}

func (a *ask) readDigests(b []byte, err error) {
	n, done := a.n, a.number
	a.free()
	var d []uint64
	if err == nil {
		d, err = readDigests(b, n)
	}
	if err != nil {
		d = nil
	}
	done(d, err)
}

// Page asks for a page of a slot's records: see replica.Store.Page. The other node may
// give fewer than most.
func (c *Client) Page(to ring.ID, slot uint16, from uint64, most int, done func(page []replica.Listed, next uint64, more bool, err error)) {
	a := c.ask((*ask).readPage)
	a.of, a.page = pageRequest{slot, from, uint64(max(most, 1))}, done
	a.start(to, appendPageRequest(a.b, a.of))
}

func (a *ask) readPage(b []byte, err error) {
	of, done := a.of, a.page
	a.free()
	if err != nil {
		done(nil, 0, false, err)
		return
	}
	done(readPage(b, of))
}

// Publish hands a message to a node's subscribers.
func (c *Client) Publish(to ring.ID, channel, message []byte, done func(error)) {
	a := c.ask((*ask).readPublish)
	a.plain = done
	a.start(to, appendPublish(a.b, channel, message))
}

func (a *ask) readPublish(b []byte, err error) {
	done := a.plain
	a.free()
	if err == nil {
		err = readNothing(b, KindPublish)
	}
	done(err)
}
