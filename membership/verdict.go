package membership

import (
	"slices"

	"github.com/rldb/rldb/ring"
)

// verdict is what all reports together say of each member: a function of the
// state and of nothing else, so that all who have heard the same judge the same.
//
// Those who have tokens report. A member is down if two of them that are not down
// themselves say that it does not answer, or if all say so that are left to ask.
// The one that most say it of is judged first; if two are equal, the one of the
// greater ID. So of two halves that accuse each other the larger one stays.
//
// sees is what only this node knows, and is never told to others.
func verdict(s state, self ring.ID, sees sight) map[ring.ID]Health {
	reporters := s.reporters(sees)
	down := map[ring.ID]bool{}
	for {
		worst, most := ring.ID{}, 0
		for _, id := range s.ids() {
			if s.entries[id].place.status == Left || down[id] {
				continue
			}
			says, asked := s.count(id, reporters[id], down)
			if says > 0 && (says >= 2 || says >= asked) && says >= most {
				worst, most = id, says
			}
		}
		if most == 0 {
			break
		}
		down[worst] = true
	}
	if sees.alone && sees.few {
		return s.cutOff(self)
	}
	if sees.alone {
		delete(down, self)
		for _, r := range s.entries[self].reports.on {
			down[r.id] = true
		}
	}
	return s.healths(reporters, down)
}

// cutOff is the verdict of a node that hears from nobody, where a write needs more nodes
// than one. It is the one that is down: it serves nobody, and sends clients to the others,
// whom it suspects. If it said that it serves, clients would forget the others.
func (s state) cutOff(self ring.ID) map[ring.ID]Health {
	healths := s.healths(nil, map[ring.ID]bool{self: true})
	for _, r := range s.entries[self].reports.on {
		if h, there := healths[r.id]; there && h == Alive {
			healths[r.id] = Suspect
		}
	}
	return healths
}

// sight is what a node knows of its own being cut off. It is empty on one that is
// not, so that all those judge alike.
type sight struct {
	// alone: it hears from nobody at all. It has nobody to agree with, so what it
	// cannot reach is down to it.
	alone bool
	few   bool // a write needs more nodes than one: see cutOff
	// lost are the members that do not answer it, and whom memberlist takes for
	// dead: nobody hears them on this side of a partition. What they last said of
	// others was before it, and does not count.
	lost map[ring.ID]bool
}

// reporters are, by member, those who report it and have a say, ascending.
func (s state) reporters(sees sight) map[ring.ID][]ring.ID {
	reporters := map[ring.ID][]ring.ID{}
	for _, id := range s.ids() {
		if !s.entries[id].hasSay() || sees.lost[id] {
			continue
		}
		for _, r := range s.entries[id].reports.on {
			if r.id != id {
				reporters[r.id] = append(reporters[r.id], id)
			}
		}
	}
	return reporters
}

// hasSay is true for a member whose reports count.
func (e entry) hasSay() bool { return e.place.status == Active || e.place.status == Leaving }

// count gives how many say that a member does not answer, of those who can be
// asked: who have a say, and are not down.
func (s state) count(id ring.ID, reporters []ring.ID, down map[ring.ID]bool) (says, asked int) {
	for other, e := range s.entries {
		if other == id || !e.hasSay() || down[other] {
			continue
		}
		asked++
		if slices.Contains(reporters, other) {
			says++
		}
	}
	return says, asked
}

func (s state) healths(reporters map[ring.ID][]ring.ID, down map[ring.ID]bool) map[ring.ID]Health {
	healths := map[ring.ID]Health{}
	for id, e := range s.entries {
		says, _ := s.count(id, reporters[id], down)
		switch {
		case e.place.status == Left:
		case down[id]:
			healths[id] = Down
		case says > 0:
			healths[id] = Suspect
		default:
			healths[id] = Alive
		}
	}
	return healths
}
