package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rldb/rldb/resp"
)

// What CLUSTER answers of a view. The replies that clients ask for often are made
// once a view, protocol and kind of connection.

// The replies that a view keeps: SLOTS and SHARDS in each protocol, with and without
// TLS, SLOTS with and without co-owners; NODES with and without TLS.
const (
	encodedSlots  = 0
	encodedShards = 8
	encodedNodes  = 12
	encodings     = 14
)

// cached is the reply of a number, which is made now if nobody asked for it before.
func (t *Topology) cached(n int, create func() []byte) []byte {
	e := &t.encoded[n]
	e.once.Do(func() { e.b = create() })
	return e.b
}

// mode is what clients are told of the node's mode.
func (s *Server) mode() string {
	if s.cluster != nil {
		return "cluster"
	}
	return "standalone"
}

func cmdClusterMyID(c *call) {
	if c.view == nil {
		c.w.BulkString(c.srv.admin.nodeID)
		return
	}
	c.w.BulkString(c.view.self.ID)
}

// errBlind is the answer to who asks for the map of a node that serves nobody, and
// knows of nobody who does: it is to ask another. With an empty map, or one that has
// this node alone, a client would forget the others.
const errBlind = "CLUSTERDOWN This node knows of no member that can serve any slot"

// knowsNobody replies that error, if it is so.
func (c *call) knowsNobody() bool {
	if c.view.cluster == "" || len(c.view.members) < 2 || len(c.view.ranges) > 0 {
		return false
	}
	c.fail(errBlind)
	return true
}

func cmdClusterSlots(c *call) {
	if c.knowsNobody() {
		return
	}
	c.follows(true)
	v, proto, tls, all := c.view, c.w.Proto(), c.s.TLS(), c.srv.Settings().SlotsReplicas
	c.w.Raw(v.cached(encodedSlots+bit(proto == 3)+2*bit(tls)+4*bit(all), func() []byte {
		w := resp.NewWriter(proto, nil)
		v.writeSlots(w, tls, all)
		return w.Bytes()
	}))
}

func cmdClusterShards(c *call) {
	if c.knowsNobody() {
		return
	}
	c.follows(true)
	v, proto, tls := c.view, c.w.Proto(), c.s.TLS()
	c.w.Raw(v.cached(encodedShards+bit(proto == 3)+2*bit(tls), func() []byte {
		w := resp.NewWriter(proto, nil)
		v.writeShards(w)
		return w.Bytes()
	}))
}

func cmdClusterNodes(c *call) {
	c.follows(false)
	v, tls := c.view, c.s.TLS()
	c.w.Verbatim("txt", string(v.cached(encodedNodes+bit(tls), func() []byte { return []byte(v.lines(tls)) })))
}

// writeSlots: a client that keeps one role for each node loses those that it met
// as a replica first. So where co-owners are told of, every primary is first shown
// alone, with one slot.
func (t *Topology) writeSlots(w *resp.Writer, tls, all bool) {
	if !all || t.owners == nil {
		w.Array(len(t.ranges))
		for _, r := range t.ranges {
			t.writeRange(w, r, tls, nil)
		}
		return
	}
	type entry struct {
		slotRange
		others []int
	}
	var bare, rest []entry
	seen := make([]bool, len(t.members))
	for _, r := range t.ranges {
		if !seen[r.member] {
			seen[r.member] = true
			bare = append(bare, entry{slotRange{r.from, r.from, r.member}, nil})
			if r.from == r.to {
				continue
			}
			r.from++
		}
		for s := int(r.from); s <= int(r.to); s++ {
			others := t.coOwners(uint16(s), r.member)
			if n := len(rest); n > 0 && rest[n-1].member == r.member && int(rest[n-1].to) == s-1 &&
				fmt.Sprint(rest[n-1].others) == fmt.Sprint(others) {
				rest[n-1].to = uint16(s)
				continue
			}
			rest = append(rest, entry{slotRange{uint16(s), uint16(s), r.member}, others})
		}
	}
	w.Array(len(bare) + len(rest))
	for _, e := range append(bare, rest...) {
		t.writeRange(w, e.slotRange, tls, e.others)
	}
}

// coOwners are the members that hold a slot's copies beside its primary.
func (t *Topology) coOwners(slot uint16, primary int) (others []int) {
	for _, i := range t.owners(slot) {
		if i != primary && i >= 0 && i < len(t.members) && t.members[i].Health == Alive {
			others = append(others, i)
		}
	}
	return others
}

func (t *Topology) writeRange(w *resp.Writer, r slotRange, tls bool, others []int) {
	w.Array(3 + len(others))
	w.Int(int64(r.from))
	w.Int(int64(r.to))
	t.members[r.member].writeSlots(w, tls)
	for _, i := range others {
		t.members[i].writeSlots(w, tls)
	}
}

// writeSlots writes a member as CLUSTER SLOTS shows it.
func (m *Member) writeSlots(w *resp.Writer, tls bool) {
	w.Array(4)
	w.BulkString(m.Host)
	w.Int(int64(m.port(tls)))
	w.BulkString(m.ID)
	if m.Hostname == "" {
		w.Map(0)
		return
	}
	w.Map(1)
	w.BulkString("hostname")
	w.BulkString(m.Hostname)
}

// writeShards: one shard for each member that serves slots, and only that one in
// it. Clients that key shards by the first node's address would lose slots
// otherwise.
func (t *Topology) writeShards(w *resp.Writer) {
	n := 0
	for _, slots := range t.counts {
		n += bit(slots > 0)
	}
	w.Array(n)
	for i := range t.members {
		if t.counts[i] == 0 {
			continue
		}
		w.Map(2)
		w.BulkString("slots")
		bounds := 0
		for _, r := range t.ranges {
			bounds += 2 * bit(r.member == i)
		}
		w.Array(bounds)
		for _, r := range t.ranges {
			if r.member == i {
				w.Int(int64(r.from))
				w.Int(int64(r.to))
			}
		}
		w.BulkString("nodes")
		w.Array(1)
		t.members[i].writeShard(w)
	}
}

// writeShard writes a member as CLUSTER SHARDS shows it.
func (m *Member) writeShard(w *resp.Writer) {
	fields := 6 + bit(m.Port != 0) + bit(m.TLSPort != 0) + bit(m.Hostname != "")
	w.Map(fields)
	w.BulkString("id")
	w.BulkString(m.ID)
	if m.Port != 0 {
		w.BulkString("port")
		w.Int(int64(m.Port))
	}
	if m.TLSPort != 0 {
		w.BulkString("tls-port")
		w.Int(int64(m.TLSPort))
	}
	w.BulkString("ip")
	w.BulkString(m.Host)
	w.BulkString("endpoint")
	w.BulkString(m.Host)
	if m.Hostname != "" {
		w.BulkString("hostname")
		w.BulkString(m.Hostname)
	}
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("replication-offset")
	w.Int(0)
	w.BulkString("health")
	if m.Health == Down {
		w.BulkString("fail")
	} else {
		w.BulkString("online")
	}
}

// lines is CLUSTER NODES. A node that is in no cluster yet lists itself.
func (t *Topology) lines(tls bool) string {
	var b strings.Builder
	if t.me < 0 {
		t.line(&b, &t.self, -1, tls)
	}
	for i := range t.members {
		t.line(&b, &t.members[i], i, tls)
	}
	return b.String()
}

func (t *Topology) line(b *strings.Builder, m *Member, at int, tls bool) {
	fmt.Fprintf(b, "%s %s@%d", m.ID, m.address(tls), m.BusPort)
	if m.Hostname != "" {
		b.WriteString("," + m.Hostname)
	}
	flags, slots := "master", 0
	if at >= 0 {
		slots = t.counts[at]
	}
	heard := t.changed.UnixMilli()
	if at == t.me {
		flags, heard = "myself,master", 0
	}
	link := "connected"
	if m.Health != Alive {
		// Tools pass over who is disconnected, and would miss its slots.
		flags += map[Health]string{Suspect: ",fail?", Down: ",fail"}[m.Health]
		if slots == 0 {
			link = "disconnected"
		}
	}
	fmt.Fprintf(b, " %s - 0 %d %d %s", flags, heard, t.epoch, link)
	for _, r := range t.ranges {
		switch {
		case slots == 0 || r.member != at:
		case r.from == r.to:
			b.WriteString(" " + strconv.Itoa(int(r.from)))
		default:
			fmt.Fprintf(b, " %d-%d", r.from, r.to)
		}
	}
	b.WriteString("\n")
}

func cmdClusterLinks(c *call) {
	links := c.srv.cluster.Links()
	c.w.Array(len(links))
	for _, l := range links {
		direction := "to"
		if l.Inbound {
			direction = "from"
		}
		c.w.Map(6)
		c.w.BulkString("direction")
		c.w.BulkString(direction)
		c.w.BulkString("node")
		c.w.BulkString(l.Member)
		c.w.BulkString("create-time")
		c.w.Int(l.Created.UnixMilli())
		c.w.BulkString("events")
		c.w.BulkString("rw")
		c.w.BulkString("send-buffer-allocated")
		c.w.Int(l.Allocated)
		c.w.BulkString("send-buffer-used")
		c.w.Int(l.Used)
	}
}

// cmdClusterReplicas: every member is a primary.
func cmdClusterReplicas(c *call) {
	if c.view.find(c.args[2]) < 0 && string(c.args[2]) != c.view.self.ID {
		c.unknownNode()
		return
	}
	c.w.Array(0)
}

func cmdClusterReports(c *call) {
	switch i := c.view.find(c.args[2]); {
	case i >= 0:
		c.w.Int(int64(c.view.members[i].Reports))
	case string(c.args[2]) == c.view.self.ID:
		c.w.Int(0)
	default:
		c.unknownNode()
	}
}
