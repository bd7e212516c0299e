package repair

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rldb/rldb/replication/remote"
	"github.com/rldb/rldb/ring"
)

// standing decides whether this node is current. Events are fed in, and numbered: what
// a question, an attempt or a reason came before or after is known by these numbers.
type standing struct {
	w      int
	sloppy bool
	half   time.Duration // how long a member's word holds

	seq     uint64
	area    *area // nil: no view yet
	members map[ring.ID]*member

	behind bool   // catching up
	reason string // the first one
	since  uint64 // when the last one arose
	lost   bool   // this node lacks acknowledged writes that it, or an owner before it, held
}

// member is what is known of another one.
type member struct {
	reachable bool
	asking    int // questions without an answer

	heard      bool
	start      uint64 // of its process
	suspicions uint64
	suspected  bool
	current    bool
	asked      uint64        // the newest question that was answered
	clear      time.Duration // when the newest one was asked to which it said that it does not suspect this node
	word       time.Duration // when the newest one was asked that it answered
	first      uint64        // the first one that this process of its answered
	home       uint64        // all that it held for this node when it answered this one has come home

	shares    uint64 // when the slots that it shares with this node last changed
	equal     uint64 // when the newest attempt began that made all shared slots equal; 0: none did
	equalWith bool   // it was current then
	short     int    // attempts since the last reason that left records behind
	lacking   int    // how many the newest attempt did
}

// never is before every time, forever after.
const (
	never   = time.Duration(math.MinInt64 / 2)
	forever = time.Duration(math.MaxInt64)

	// mostAsking bounds the questions to one member that wait for an answer.
	mostAsking = 8
)

func newStanding(w int, sloppy, lost bool, timeout time.Duration) *standing {
	s := &standing{w: w, sloppy: sloppy, half: timeout / 2, members: map[ring.ID]*member{}}
	switch {
	case lost:
		s.arise("it began without data", true)
	case sloppy:
		s.arise("it has started", false)
	}
	return s
}

func (s *standing) next() uint64 {
	s.seq++
	return s.seq
}

// arise notes a reason to catch up. lost: see standing.
func (s *standing) arise(reason string, lost bool) {
	s.since = s.next()
	s.lost = s.lost || lost
	for _, m := range s.members {
		m.short = 0
	}
	if !s.behind {
		s.behind, s.reason = true, reason
	}
}

// setArea replaces the view, and says whether this node gains slots by it.
func (s *standing) setArea(a *area) (gained bool) {
	before := s.area
	s.area = a
	for id := range s.members {
		if !slices.Contains(a.others, id) {
			delete(s.members, id)
		}
	}
	for _, id := range a.others {
		if s.members[id] == nil {
			s.members[id] = &member{clear: never, word: never}
		} else if !slices.Equal(before.shared[id], a.shared[id]) {
			s.members[id].equal, s.members[id].shares = 0, s.next()
		}
	}
	gained = before != nil && a.gained(before)
	if gained {
		s.arise("it has gained slots", true)
	}
	return gained
}

// reach notes whether a member is reachable, and says whether it is again.
func (s *standing) reach(id ring.ID, reachable bool) (returned bool) {
	m := s.members[id]
	if m == nil {
		return false
	}
	returned = reachable && !m.reachable
	m.reachable = reachable
	return returned
}

// question is one to a member.
type question struct {
	number uint64
	after  uint64        // the newest one that was answered by then
	at     time.Duration // when it was asked
}

// ask gives the next question to a member, if one should be asked now.
func (s *standing) ask(id ring.ID, at time.Duration) (q question, ok bool) {
	m := s.members[id]
	if m == nil || !m.reachable || m.asking >= mostAsking {
		return question{}, false
	}
	m.asking++
	return question{s.next(), m.asked, at}, true
}

// unanswered notes that a question has failed.
func (s *standing) unanswered(id ring.ID) {
	if m := s.members[id]; m != nil {
		m.asking = max(0, m.asking-1)
	}
}

// answer notes the answer to a question. again says that to ask once more is of use now;
// restarted, that another process than before has answered.
func (s *standing) answer(id ring.ID, q question, a remote.Standing) (again, restarted bool) {
	s.unanswered(id)
	m := s.members[id]
	if m == nil || q.number <= m.asked {
		return false, false // a newer one was answered
	}
	known := m.heard && m.start == a.Start
	restarted = m.heard && !known
	missed := a.Suspicions > 0
	if known {
		missed = a.Suspicions > m.suspicions
	} else {
		m.first = q.number
	}
	m.asked, m.clear, m.word = q.number, q.at, q.at
	m.heard, m.start, m.suspicions, m.suspected, m.current = true, a.Start, a.Suspicions, a.Suspected, a.Current
	if a.Suspected {
		m.clear = never
	}
	if s.sloppy && (a.Suspected || missed) {
		s.arise("a member took it for down", false)
	}
	if a.Foreign == 0 && q.after >= m.first {
		m.home = q.after
	}
	again = s.behind && !a.Suspected && a.Foreign == 0 && m.home <= s.since && (missed || q.after <= s.since)
	return again, restarted
}

// missing are the co-owners to make the shared slots equal with now, for this node to become current.
// As long as a member suspects this node there are none: it misses writes all the while.
func (s *standing) missing() (ids []ring.ID) {
	if !s.behind || s.area == nil {
		return nil
	}
	for _, id := range s.area.others {
		m := s.members[id]
		if !m.reachable {
			continue
		}
		if m.suspected && s.sloppy {
			return nil
		}
		better := s.lost && m.current && !m.equalWith
		if len(s.area.shared[id]) > 0 && (m.equal <= s.since || better) {
			ids = append(ids, id)
		}
	}
	return ids
}

// begin numbers an attempt to make the slots shared with a member equal.
func (s *standing) begin(id ring.ID) (number uint64, current bool) {
	m := s.members[id]
	return s.next(), m != nil && m.current
}

// equalled notes that an attempt has succeeded, but for some records of the member that could not be fetched. current: it was,
// when the attempt began. A node that has lost nothing is current without them in the end: one record must not
// take all others from its clients. One that has lost its data is not: nobody knows what it has acknowledged of them.
func (s *standing) equalled(id ring.ID, number uint64, current bool, lacking int) {
	m := s.members[id]
	if m == nil || number <= m.shares {
		return
	}
	m.lacking = lacking
	if lacking > 0 && number > s.since {
		m.short++
	}
	if lacking > 0 && (s.lost || m.short < stuckAfter) {
		return
	}
	m.equal, m.equalWith = number, current && m.current
}

// why is the reason, with what is in the way.
func (s *standing) why() string {
	n := 0
	for _, m := range s.members {
		n += m.lacking
	}
	if !s.behind || n == 0 {
		return s.reason
	}
	return fmt.Sprintf("%s; %d records cannot be fetched from others: see the log", s.reason, n)
}

// settle says whether this node becomes current with what is known by now.
func (s *standing) settle() bool {
	if !s.behind || !s.whole() {
		return false
	}
	s.behind, s.reason, s.lost = false, "", false
	return true
}

func (s *standing) whole() bool {
	if s.area == nil || !s.area.member {
		return false
	}
	if len(s.area.others) == 0 {
		return true
	}
	heard := 0
	for id, m := range s.members {
		switch {
		case !m.reachable:
			continue
		case m.suspected && s.sloppy, m.home <= s.since:
			return false
		case !s.lost && len(s.area.shared[id]) > 0 && m.equal <= s.since:
			return false
		}
		heard++
	}
	return heard > 0 && (!s.lost || s.rebuilt())
}

// rebuilt says whether this node was made equal with so many owners of each of its slots that none
// of the acknowledged writes can be missing: any W owners that have acknowledged one, this node among them,
// and N-W+1 others, have one in common.
func (s *standing) rebuilt() bool {
	for _, group := range s.area.groups {
		n := len(group) + 1
		all, sound := 0, 0
		for _, id := range group {
			if m := s.members[id]; m != nil && m.equal > s.since {
				all++
				if m.equalWith {
					sound++
				}
			}
		}
		if all < len(group) && sound < n-min(s.w, n)+1 {
			return false
		}
	}
	return true
}

// until is how long this node may call itself current, if nothing more is heard.
func (s *standing) until() time.Duration {
	switch {
	case s.behind || s.area == nil || !s.area.member:
		return never
	case !s.sloppy || len(s.area.others) == 0:
		return forever
	}
	until := forever
	for _, m := range s.members {
		if m.reachable {
			until = min(until, m.clear+s.half)
		}
	}
	if until == forever { // it has lost sight of all: it may be the one that was cut off
		return never
	}
	return until
}

// knows is how long this node knows how things stand, if nothing more is heard: every
// member has answered lately, or is known not to.
func (s *standing) knows() time.Duration {
	if s.area == nil {
		return never
	}
	until := forever
	for _, m := range s.members {
		if m.reachable {
			until = min(until, m.word+s.half)
		}
	}
	return until
}
