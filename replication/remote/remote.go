// Package remote carries what coordinators and repair ask of other nodes' replicas:
// the messages' bytes, the side that asks and the side that answers.
package remote

import (
	"log/slog"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// Transport is peer.Pool.
type Transport interface {
	Start(to ring.ID, request []byte, done func(answer []byte, err error))
}

// Kind is the first byte of each message. 1 and 2 are main's own.
type Kind = byte

// The kinds of messages.
const (
	KindWrite Kind = 10 + iota
	KindHash
	KindFetch
	KindStanding
	KindDigests
	KindPage
	KindPublish
	KindEnd
)

// Standing is what one node tells another of where it stands.
type Standing struct {
	Suspected  bool   // the answering node takes the asker for down
	Suspicions uint64 // how often it has, since the answering node started
	Start      uint64 // names the answering process: random, made at its start
	Foreign    int64  // records that it holds for slots that the asker owns and it does not
	Current    bool   // it calls itself current
}

// Client asks. It implements coordinator.Peers but for State.
type Client struct{}

func NewClient(t Transport) *Client { panic("skeleton") }

func (c *Client) Write(to coordinator.Node, w *coordinator.WriteRequest, done func(coordinator.WriteAnswer, error)) {
	panic("skeleton")
}
func (c *Client) Hash(to coordinator.Node, keys []engine.Key, done func(coordinator.HashAnswer, error)) {
	panic("skeleton")
}
func (c *Client) Fetch(to coordinator.Node, keys []engine.Key, done func([]record.Whole, error)) {
	panic("skeleton")
}
func (c *Client) Standing(to ring.ID, done func(Standing, error)) { panic("skeleton") }

// Digests asks for the digests of slots, in their order.
func (c *Client) Digests(to ring.ID, slots []uint16, done func([]uint64, error)) { panic("skeleton") }

// Page asks for a page of a slot's records: see replica.Store.Page.
func (c *Client) Page(to ring.ID, slot uint16, from uint64, most int, done func(page []replica.Listed, next uint64, more bool, err error)) {
	panic("skeleton")
}
func (c *Client) Publish(to ring.ID, channel, message []byte, done func(error)) { panic("skeleton") }

// ServerOptions are what a Server answers from.
type ServerOptions struct {
	Store    *replica.Store
	Current  func() bool
	Standing func(asker ring.ID) Standing
	Publish  func(channel, message []byte) // must not wait
	Observe  func(record.HLC)              // a dot that came from another node: for the clock
	Log      *slog.Logger
}

// Server answers. It implements peer.Handler for the kinds above.
type Server struct{}

func NewServer(o ServerOptions) *Server { panic("skeleton") }

// Handle answers a request; answer is called once, from any goroutine. It does not wait.
func (s *Server) Handle(from ring.ID, request []byte, answer func([]byte, error)) { panic("skeleton") }

// Idle says that nothing more has arrived for now: what was written is handed to the system,
// and answers that waited for it go.
func (s *Server) Idle() { panic("skeleton") }
