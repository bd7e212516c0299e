package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher is told whether peers answer. It is called on goroutines of the pool,
// with no lock held, and must not wait.
type Watcher interface {
	// Down: the peer does not answer. It is told at once, and again with each
	// further attempt.
	Down(peer ID, cause error)
	// Up: the peer has answered, to the handshake or a ping.
	Up(peer ID)
}

// PoolOptions is what a pool needs. Zero numbers mean their defaults.
type PoolOptions struct {
	Self    func() Identity // asked at each handshake
	Watcher Watcher         // nil: nobody watches
	TLS     *tls.Config     // nil: plain TCP
	Log     *slog.Logger

	Timeout   time.Duration // of a call, a connection attempt, and of silence: 500 ms
	Beat      time.Duration // between pings: 150 ms
	MaxFrame  int           // bytes of a payload: 16 MiB
	MaxQueue  int           // calls to one peer that wait to be sent or answered: 65,536
	MaxQueued int64         // bytes of their frames that wait to be sent: 64 MiB

	// Dial opens a connection; nil: the system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The defaults of [PoolOptions], and the bounds of the pause between two attempts
// to reach a peer.
const (
	defaultTimeout   = 500 * time.Millisecond
	defaultBeat      = 150 * time.Millisecond
	defaultMaxFrame  = 16 << 20
	defaultMaxQueue  = 65_536
	defaultMaxQueued = 64 << 20

	shortestPause = 50 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Pool calls the other nodes: one connection to each, kept up as long as the node
// is a peer.
//
// A link for each peer owns its goroutines (see [link]); mu guards the table of
// links only and is never held while anything waits.
type Pool struct {
	o       PoolOptions
	running sync.WaitGroup // a link's goroutine each

	now atomic.Pointer[map[ID]*link] // what links was after its last change: never changed itself

	mu     sync.Mutex
	links  map[ID]*link
	closed bool
	ended  frames // of links that are no more
}

// frames counts what was sent and received.
type frames struct{ sent, received uint64 }

// NewPool makes a pool without peers.
func NewPool(o PoolOptions) *Pool {
	orDefault(&o.Timeout, defaultTimeout)
	orDefault(&o.Beat, min(defaultBeat, o.Timeout/3))
	orDefault(&o.MaxFrame, defaultMaxFrame)
	orDefault(&o.MaxQueue, defaultMaxQueue)
	orDefault(&o.MaxQueued, int64(defaultMaxQueued))
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Watcher == nil {
		o.Watcher = nobody{}
	}
	p := &Pool{o: o, links: map[ID]*link{}}
	p.now.Store(&map[ID]*link{})
	return p
}

type nobody struct{}

func (nobody) Down(ID, error) {}
func (nobody) Up(ID)          {}

// SetPeers says who the peers are and at which host:port each listens. Links to
// others end, with their calls; a link whose address changed is made anew.
func (p *Pool) SetPeers(peers map[ID]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setPeers(peers)
}

// setPeers is SetPeers for who holds mu.
func (p *Pool) setPeers(peers map[ID]string) {
	if p.closed {
		return
	}
	for id, l := range p.links {
		if addr, still := peers[id]; !still || addr != l.addr {
			close(l.quit)
			delete(p.links, id)
			p.ended.sent += l.out.sent.Load()
			p.ended.received += l.received.Load()
		}
	}
	for id, addr := range peers {
		if p.links[id] == nil {
			l := newLink(&p.o, id, addr)
			p.links[id] = l
			p.running.Go(l.run)
		}
	}
	now := maps.Clone(p.links)
	p.now.Store(&now)
}

func (p *Pool) link(id ID) *link { return (*p.now.Load())[id] }

// Up says whether a peer answers, as far as is known at this moment. It is cheap: it
// takes no lock.
func (p *Pool) Up(id ID) bool {
	l := p.link(id)
	return l != nil && l.answers.Load()
}

// Start sends a call and returns; it never waits for the peer. done is called once, from
// a goroutine of the pool or from Start itself, with the answer, which is its own to keep,
// or the error, and must not wait. [NotSent] says of the error whether the call may have
// been carried out. The request is copied before Start returns.
func (p *Pool) Start(to ID, request []byte, done func(answer []byte, err error)) {
	l := p.link(to)
	switch {
	case l == nil:
		done(nil, ErrUnknown)
	case len(request) > p.o.MaxFrame:
		done(nil, ErrTooLarge)
	default:
		l.start(request, done)
	}
}

// Call sends a call and waits for its answer.
func (p *Pool) Call(ctx context.Context, to ID, request []byte) ([]byte, error) {
	type result struct {
		answer []byte
		err    error
	}
	got := make(chan result, 1)
	p.Start(to, request, func(answer []byte, err error) { got <- result{answer, err} })
	select {
	case r := <-got:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Check asks at once whether a peer answers: a ping is sent, or the next attempt to
// connect is made now. What it finds, the [Watcher] is told.
func (p *Pool) Check(id ID) {
	if l := p.link(id); l != nil {
		select {
		case l.wake <- struct{}{}:
		default: // is about to look anyway
		}
	}
}

// Reset ends all connections and makes them anew: what the node says of itself has
// changed.
func (p *Pool) Reset() {
	p.mu.Lock()
	peers := make(map[ID]string, len(p.links))
	for id, l := range p.links {
		peers[id] = l.addr
	}
	p.setPeers(nil)
	p.setPeers(peers)
	p.mu.Unlock()
}

// Frames counts all frames that were sent and received, also to and from those who
// are peers no more.
func (p *Pool) Frames() (sent, received uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent, received = p.ended.sent, p.ended.received
	for _, l := range p.links {
		sent += l.out.sent.Load()
		received += l.received.Load()
	}
	return sent, received
}

// Links describes the links, in the order of their IDs.
func (p *Pool) Links() []Link {
	p.mu.Lock()
	all := make([]*link, 0, len(p.links))
	for _, l := range p.links {
		all = append(all, l)
	}
	p.mu.Unlock()
	slices.SortFunc(all, func(a, b *link) int { return bytes.Compare(a.id[:], b.id[:]) })
	out := make([]Link, len(all))
	for i, l := range all {
		out[i] = l.describe()
	}
	return out
}

// Close ends all links. Calls under way fail with [ErrClosed]; when it returns, no
// goroutine of the pool is left.
func (p *Pool) Close() {
	p.mu.Lock()
	p.setPeers(nil)
	p.closed = true
	p.mu.Unlock()
	p.running.Wait()
}
