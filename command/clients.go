package command

import (
	"cmp"
	"slices"
	"sync"
)

// clients are those who are connected, as CLIENT LIST and CLIENT KILL see them.
type clients struct {
	mu  sync.RWMutex // guards what follows
	all map[int64]*client
}

func (x *clients) add(cl *client) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = map[int64]*client{}
	}
	x.all[cl.s.ID()] = cl
}

// remove forgets a client that has left, or is being killed.
func (x *clients) remove(cl *client) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, cl.s.ID())
}

// get is the client of a number, or nil.
func (x *clients) get(id int64) *client {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.all[id]
}

// list returns all clients in the order in which they came.
func (x *clients) list() []*client {
	x.mu.RLock()
	all := make([]*client, 0, len(x.all))
	for _, cl := range x.all {
		all = append(all, cl)
	}
	x.mu.RUnlock()
	slices.SortFunc(all, func(a, b *client) int { return cmp.Compare(a.s.ID(), b.s.ID()) })
	return all
}
