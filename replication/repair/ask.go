package repair

import (
	"time"

	"github.com/rldb/rldb/replication/quorum"
	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/ring"
)

// askLoop looks each tick who is reachable, and asks them where they stand.
func (r *Repair) askLoop() {
	tick := time.NewTicker(r.tick)
	defer tick.Stop()
	for {
		r.look()
		r.askAll()
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		case <-r.again:
		}
	}
}

// look notes who is reachable at this moment.
func (r *Repair) look() {
	a := r.area.Load()
	if a == nil {
		return
	}
	for _, id := range a.others {
		reachable := r.reachable(id)
		r.mu.Lock()
		returned := r.standing.reach(id, reachable)
		r.mu.Unlock()
		if returned {
			r.sendHome(id)
		}
	}
	r.settle()
}

func (r *Repair) askAll() {
	a := r.area.Load()
	if a == nil {
		return
	}
	for _, id := range a.others {
		at := r.now()
		r.mu.Lock()
		q, ok := r.standing.ask(id, at)
		r.mu.Unlock()
		if ok {
			r.o.Peers.Standing(id, func(s remote.Standing, err error) { r.answered(id, q, s, err) })
		}
	}
}

func (r *Repair) answered(id ring.ID, q question, s remote.Standing, err error) {
	var again, restarted bool
	r.mu.Lock()
	if err != nil {
		r.standing.unanswered(id)
	} else {
		again, restarted = r.standing.answer(id, q, s)
	}
	r.mu.Unlock()
	if err != nil {
		return
	}
	if restarted {
		r.sendHome(id)
	}
	if again {
		wake(r.again)
	}
	r.settle()
}

// settle has standing judge anew, publishes what it says, and tells the log and the loops of it.
func (r *Repair) settle() {
	now := r.now()
	r.mu.Lock()
	s := r.standing
	began := s.behind && !r.behind
	if began {
		r.behind, r.behindSince, r.pulledBefore = true, now, r.pulled.Load()
	}
	reason := s.reason
	caughtUp := s.settle()
	if caughtUp {
		r.behind = false
	}
	took, came := now-r.behindSince, r.pulled.Load()-r.pulledBefore
	r.until.Store(int64(s.until()))
	r.knows.Store(int64(s.knows()))
	r.lost.Store(s.lost)
	missing := len(s.missing()) > 0
	r.mu.Unlock()
	if began {
		r.o.Log.Info("catching up: reads do not count on this node", "because", reason)
	}
	if caughtUp {
		r.o.Log.Info("current again", "took", took.Round(time.Millisecond), "records", came)
	}
	if missing {
		wake(r.meet)
	}
}

// Standing answers another node's question.
func (r *Repair) Standing(asker ring.ID) remote.Standing {
	s := remote.Standing{
		Suspected: r.o.Peers.State(asker) == quorum.Down,
		Start:     r.start,
		Current:   r.Current(),
	}
	r.mu.Lock()
	s.Suspicions = r.suspicions[asker]
	m := r.standing.members[asker]
	current := m != nil && m.current
	r.mu.Unlock()
	s.Foreign = r.foreignFor(asker, current)
	if s.Foreign > 0 || !current {
		wake(r.bring)
	}
	return s
}
