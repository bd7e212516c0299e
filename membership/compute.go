package membership

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/rldb/rldb/ring"
)

// compute makes the view of a state. last is the view before, whose ring is used
// again if nothing in it has changed; it may be nil.
func compute(s snapshot, copies int, sees sight, last *View) *View {
	v := &View{Epoch: s.state.epoch, Cluster: s.cluster, Name: s.name, Self: s.self, Parted: s.parted, self: -1}
	if s.cluster.IsZero() {
		v.Ring = ring.New(nil, copies)
		v.visible = v.seen()
		return v
	}
	healths := verdict(s.state, s.self, sees)
	reporters := s.state.reporters(sees)
	var holders []ring.Member
	for _, id := range s.state.ids() {
		e := s.state.entries[id]
		if e.place.status == Left {
			v.left = append(v.left, id)
			continue
		}
		if id == s.self {
			v.self = len(v.Members)
		}
		m := memberOf(id, e)
		m.Health, m.Reporters = healths[id], reporters[id]
		v.Members = append(v.Members, m)
		if e.hasSay() && len(m.Tokens) > 0 && len(holders) < ring.MaxMembers {
			holders = append(holders, ring.Member{ID: id, Zone: m.Zone, Weight: m.Weight, Tokens: m.Tokens})
		}
	}
	if last != nil && slices.EqualFunc(last.Ring.Members(), holders, sameHolder) {
		v.Ring = last.Ring
	} else {
		v.Ring = ring.New(holders, copies)
	}
	v.assign()
	v.visible = v.seen()
	return v
}

func sameHolder(a, b ring.Member) bool {
	return a.ID == b.ID && a.Zone == b.Zone && a.Weight == b.Weight && slices.Equal(a.Tokens, b.Tokens)
}

func memberOf(id ring.ID, e entry) Member {
	s := e.own.self
	return Member{
		ID: id, Version: s.Version, Host: s.Host, Port: s.Port, TLSPort: s.TLSPort, Hostname: s.Hostname,
		Peer: s.Peer, Gossip: s.Gossip, Zone: s.Zone, Weight: s.Weight,
		Status: e.place.status, Tokens: e.place.tokens, Draining: e.own.draining,
	}
}

// assign finds the primary of each slot. Slots between two tokens have the same.
func (v *View) assign() {
	for _, m := range v.Ring.Members() {
		v.fromRing = append(v.fromRing, uint16(v.Index(m.ID)))
	}
	v.primary = make([]int16, ring.Slots)
	var order []uint16
	for from := 0; from < ring.Slots; {
		to := v.Ring.RunEnd(uint16(from))
		order = v.Ring.Order(uint16(from), order[:0])
		best := v.best(order)
		for slot := from; slot <= to; slot++ {
			v.primary[slot] = int16(best)
		}
		if n := len(v.Ranges); best >= 0 && n > 0 && v.Ranges[n-1].Member == best && int(v.Ranges[n-1].To)+1 == from {
			v.Ranges[n-1].To = uint16(to)
		} else if best >= 0 {
			v.Ranges = append(v.Ranges, Range{uint16(from), uint16(to), best})
		}
		from = to + 1
	}
}

// best is the member to advertise, of those in the order of preference, or -1.
func (v *View) best(order []uint16) int {
	draining := -1
	for _, i := range order {
		m := v.Members[v.fromRing[i]]
		if !m.Serves() {
			continue
		}
		if !m.Draining {
			return int(v.fromRing[i])
		}
		if draining < 0 {
			draining = int(v.fromRing[i])
		}
	}
	return draining
}

// seen is a digest of what clients see.
func (v *View) seen() [32]byte {
	b := append([]byte(nil), v.Cluster[:]...)
	for _, m := range v.Members {
		b = append(b, m.ID[:]...)
		for _, text := range []string{m.Host, m.Hostname, m.Peer} {
			b = appendText(b, text)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(m.Port))
		b = binary.BigEndian.AppendUint16(b, uint16(m.TLSPort))
		b = append(b, byte(m.Status))
		if m.Serves() {
			b = append(b, 1)
		}
	}
	for _, r := range v.Ranges {
		b = binary.BigEndian.AppendUint64(b, uint64(r.From)<<32|uint64(r.To)<<16|uint64(r.Member))
	}
	return sha256.Sum256(b)
}
