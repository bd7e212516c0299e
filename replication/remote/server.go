package remote

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/ring"
)

// Standing is what one node tells another of where it stands.
type Standing struct {
	Suspected  bool   // the answering node takes the asker for down
	Suspicions uint64 // how often it has, since the answering node started
	Start      uint64 // names the answering process: random, made at its start
	// Foreign counts the records that it held, when the asker asked last before, for slots
	// that the asker owns and it does not, and that the asker has not confirmed since.
	Foreign int64
	Current bool // it calls itself current
}

// ServerOptions are what a Server answers from. The functions are called on the goroutines
// that read from other nodes: they must not wait.
type ServerOptions struct {
	Store    *replica.Store
	Current  func() bool
	Standing func(asker ring.ID) Standing
	Publish  func(channel, message []byte) // must copy what it keeps
	Observe  func(record.HLC)              // a dot that came from another node: for the clock
	Log      *slog.Logger
}

// Server answers. It implements peer.Handler for the kinds above.
//
// Requests are carried out on the goroutine that brings them where the engine needs no
// disk, else on the engine's pool. Those whose answers must wait until something is durable
// gather in a batch until Idle, and wait together. Pages may wait for a disk: each has a
// goroutine, of which there are at most maxPages, and which ends with its answer.
type Server struct {
	o     ServerOptions
	works sync.Pool     // of *work
	waits sync.Pool     // of *batch
	pages chan struct{} // one for each that is being read

	mu   sync.Mutex
	next *batch // what waits for Idle; nil: nothing does
}

const (
	maxPages = 16
	// pageBytes is about how long a page may be, and pageKeys how many records of it.
	pageBytes = 256 << 10
	pageKeys  = 4096
)

// NewServer makes a server.
func NewServer(o ServerOptions) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, pages: make(chan struct{}, maxPages)}
	s.works.New = func() any { return &work{s: s} }
	s.waits.New = func() any {
		b := &batch{s: s}
		b.durable = b.end
		return b
	}
	return s
}

// Handle answers a request; answer is called once, from any goroutine. It does not wait.
func (s *Server) Handle(from ring.ID, request []byte, answer func([]byte, error)) {
	kind := KindEnd
	if len(request) > 0 {
		kind = request[0]
	}
	switch kind {
	case KindWrite, KindHash, KindFetch:
		s.work(kind, request, answer)
	case KindStanding:
		if err := readNothing(request, kind); err != nil {
			answer(nil, err)
			return
		}
		stands := s.o.Standing(from)
		answer(appendStanding(nil, &stands), nil)
	case KindDigests:
		answer(s.digests(request))
	case KindPage:
		s.page(request, answer)
	case KindPublish:
		channel, message, err := readPublish(request)
		if err != nil {
			answer(nil, err)
			return
		}
		s.o.Publish(channel, message)
		answer(begin(nil, KindPublish), nil)
	default:
		answer(nil, errMessage)
	}
}

func (s *Server) digests(request []byte) ([]byte, error) {
	slots, err := readDigestsRequest(request)
	if err != nil {
		return nil, err
	}
	out := appendCount(begin(make([]byte, 0, 8+8*len(slots)), KindDigests), len(slots))
	for _, slot := range slots {
		out = appendUint64(out, s.o.Store.Digest(slot))
	}
	return out, nil
}

var errPages = errors.New("remote: too many pages are being read")

func (s *Server) page(request []byte, answer func([]byte, error)) {
	p, err := readPageRequest(request)
	if err != nil {
		answer(nil, err)
		return
	}
	select {
	case s.pages <- struct{}{}:
	default:
		answer(nil, errPages)
		return
	}
	go func() { // ends with its answer, for which the connection's end waits
		out, err := s.readPage(p)
		<-s.pages
		answer(out, err)
	}()
}

func (s *Server) readPage(p pageRequest) ([]byte, error) {
	page, next, more, err := s.o.Store.Page(p.slot, p.from, int(max(1, min(p.most, pageKeys))))
	if err != nil {
		return nil, err
	}
	page, next, more = cutPage(page, next, more)
	return appendPage(nil, page, next, more), nil
}

// cutPage keeps a page to pageBytes, but for the records of one hash, which stay
// together.
func cutPage(page []replica.Listed, next uint64, more bool) ([]replica.Listed, uint64, bool) {
	size := 0
	for i := range page {
		size += len(page[i].Key.Name) + 5 + 8
		if i > 0 && size > pageBytes && page[i].Key.Hash != page[i-1].Key.Hash {
			return page[:i], page[i].Key.Hash, true
		}
	}
	return page, next, more
}

// batch is requests that wait until the last of them is durable.
type batch struct {
	s       *Server
	works   []*work
	upTo    engine.Position
	durable func(error) // end, made once
}

// wait has w answered once pos is durable, after Idle.
func (s *Server) wait(w *work, pos engine.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = s.waits.Get().(*batch)
	}
	s.next.works = append(s.next.works, w)
	s.next.upTo = max(s.next.upTo, pos)
}

// Idle says that nothing more has arrived for now: what was written is handed to the system,
// and answers that waited for it go.
func (s *Server) Idle() {
	s.mu.Lock()
	b := s.next
	s.next = nil
	s.mu.Unlock()
	if b == nil {
		return
	}
	_ = s.o.Store.Flush() // where it failed, and that matters to b, Await says so
	s.o.Store.Await(b.upTo, b.durable)
}

func (b *batch) end(err error) {
	for _, w := range b.works {
		w.reply(err)
	}
	clear(b.works)
	b.works, b.upTo = b.works[:0], 0
	b.s.waits.Put(b)
}
