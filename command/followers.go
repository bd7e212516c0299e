package command

import (
	"sync"
	"time"
)

// Follower says that clients at an address that use a library have asked a member
// for its slot map: they know what to make of MOVED.
type Follower struct {
	Host    string // without a port
	Library string // as CLIENT SETINFO told it; may be empty
}

// The bounds of what is remembered of followers.
const (
	maxFollowers  = 10_000
	followerBytes = 256              // of a host, of a library's name; longer ones are not noted
	tellEvery     = 60 * time.Second // members are told again: one may have come since
)

// followers are those that any member has seen. Where there are too many the
// oldest goes.
type followers struct {
	mu    sync.Mutex // guards what follows
	told  map[Follower]time.Time
	order []Follower // a ring once it is full
	next  int
}

func (f *followers) has(x Follower) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.told[x]
	return ok
}

// note remembers a follower, and says whether the other members are to be told.
func (f *followers) note(x Follower, now time.Time) bool {
	if len(x.Host) > followerBytes || len(x.Library) > followerBytes {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.told[x]
	if ok && now.Sub(at) < tellEvery {
		return false
	}
	f.add(x, now)
	return true
}

// add remembers a follower, of whom members were told at a time.
func (f *followers) add(x Follower, told time.Time) {
	if f.told == nil {
		f.told = map[Follower]time.Time{}
	}
	if _, ok := f.told[x]; !ok {
		if len(f.order) < maxFollowers {
			f.order = append(f.order, x)
		} else {
			delete(f.told, f.order[f.next])
			f.order[f.next] = x
			f.next = (f.next + 1) % maxFollowers
		}
	}
	f.told[x] = told
}

// Follows notes a follower that another member has told of.
func (s *Server) Follows(x Follower) {
	if len(x.Host) > followerBytes || len(x.Library) > followerBytes {
		return
	}
	s.followers.mu.Lock()
	defer s.followers.mu.Unlock()
	if _, ok := s.followers.told[x]; !ok {
		s.followers.add(x, time.Time{})
	}
}

// follows notes that the client has asked for the slot map. One that does not say
// what library it is may be a tool for people: such are taken for followers
// only by what libraries ask for.
func (c *call) follows(library bool) {
	x := Follower{c.cl.remoteHost(), c.cl.library()}
	if !library && x.Library == "" {
		return
	}
	if c.srv.followers.note(x, c.wall) {
		c.srv.cluster.Tell(x)
	}
}

// library is what the client said that it is.
func (cl *client) library() string {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return cl.libName
}
