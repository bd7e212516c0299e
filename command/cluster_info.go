package command

import "github.com/rldb/rldb/ring"

// clusterFigures are CLUSTER INFO's, and with others of INFO's.
type clusterFigures struct {
	state                     string
	assigned, ok, pfail, fail int
	known, size               int
	alive, suspect, down      int
	joining, draining         int
}

// figures counts. The state is ok if each slot is served by somebody.
func (t *Topology) figures() clusterFigures {
	f := clusterFigures{state: "fail", known: max(len(t.members), 1)}
	for i := range t.members {
		m := &t.members[i]
		f.size += bit(t.counts[i] > 0)
		switch m.Health {
		case Alive:
			f.alive++
			f.ok += t.counts[i]
		case Suspect:
			f.suspect++
			f.pfail += t.counts[i]
		default:
			f.down++
		}
		f.joining += bit(m.Joining)
		f.draining += bit(m.Draining)
		if !m.Joining {
			f.assigned = ring.Slots
		}
	}
	f.fail = f.assigned - f.ok - f.pfail
	if f.assigned > 0 && f.fail == 0 {
		f.state = "ok"
	}
	return f
}

func cmdClusterInfo(c *call) {
	var w infoWriter
	f := c.view.figures()
	sent, received := c.srv.cluster.Messages()
	w.line("cluster_state", f.state)
	w.line("cluster_slots_assigned", f.assigned)
	w.line("cluster_slots_ok", f.ok)
	w.line("cluster_slots_pfail", f.pfail)
	w.line("cluster_slots_fail", f.fail)
	w.line("cluster_known_nodes", f.known)
	w.line("cluster_size", f.size)
	w.line("cluster_current_epoch", c.view.epoch)
	w.line("cluster_my_epoch", c.view.epoch)
	w.line("cluster_stats_messages_sent", sent)
	w.line("cluster_stats_messages_received", received)
	w.line("total_cluster_links_buffer_limit_exceeded", 0)
	w.srv = c.srv
	w.membership(c.view, f)
	w.copies()
	c.w.Verbatim("txt", w.String())
}

// membership is what Redis has not: the members, and which view this is.
func (w *infoWriter) membership(t *Topology, f clusterFigures) {
	w.line("rldb_cluster_name", t.name)
	w.line("rldb_cluster_id", t.cluster)
	w.line("rldb_view_epoch", t.epoch)
	w.line("rldb_members_alive", f.alive)
	w.line("rldb_members_suspect", f.suspect)
	w.line("rldb_members_down", f.down)
	w.line("rldb_members_joining", f.joining)
	w.line("rldb_members_draining", f.draining)
	w.line("rldb_my_slots", t.mine.Len())
}

// cluster is INFO's section.
func (w *infoWriter) cluster() {
	w.line("cluster_enabled", bit(w.view != nil))
	if w.view == nil {
		return
	}
	f := w.view.figures()
	w.line("rldb_cluster_state", f.state)
	w.line("rldb_cluster_slots_ok", f.ok)
	w.line("rldb_cluster_known_nodes", f.known)
	w.membership(w.view, f)
	w.copies()
}

// copies are the figures of what is done on several nodes' copies.
func (w *infoWriter) copies() {
	if w.srv.copies == nil {
		return
	}
	q, n, s := w.srv.quorums, w.srv.copies.Counters(), w.srv.cluster.Standing()
	w.line("rldb_n", q.N)
	w.line("rldb_r", q.R)
	w.line("rldb_w", q.W)
	w.line("rldb_sloppy", bit(q.Sloppy))
	w.line("rldb_catching_up", bit(s.CatchingUp))
	w.line("rldb_catching_up_why", clean([]byte(s.Why)))
	w.line("rldb_quorum_reads", n.Reads)
	w.line("rldb_quorum_writes", n.Writes)
	w.line("rldb_conditional_writes", n.Conditionals)
	w.line("rldb_conditional_retries", n.Retries)
	w.line("rldb_remints", n.Remints)
	w.line("rldb_quorum_failures", n.NoQuorum)
	w.line("rldb_cluster_downs", n.ClusterDown)
	w.line("rldb_fallback_writes", n.Fallbacks)
	w.line("rldb_read_repairs", n.Repairs)
	w.line("rldb_siblings_made", n.SiblingsMade)
	w.line("rldb_siblings_dropped", n.SiblingsDropped)
	if s.Siblings >= 0 {
		w.line("rldb_siblings", s.Siblings)
	}
	w.line("rldb_calls_under_way", n.UnderWay)
	w.line("rldb_calls_waiting", n.Waiting)
	w.repair(&s)
}

// repair are the figures of data that goes where it belongs, and of who is how far away.
func (w *infoWriter) repair(s *Standing) {
	w.line("rldb_hints_waiting", s.Hints)
	w.line("rldb_hints_delivered", s.Delivered)
	w.line("rldb_hints_dropped", s.Dropped)
	w.line("rldb_repair_rounds", s.Rounds)
	w.line("rldb_repair_last_round_ms", s.LastRound.Milliseconds())
	w.line("rldb_repair_slots_unequal", s.Unequal)
	w.line("rldb_repair_records_pulled", s.Pulled)
	w.line("rldb_repair_records_pushed", s.Pushed)
	for _, p := range s.Peers {
		w.line("rldb_peer_"+p.Member+"_rtt_usec", p.RoundTrip.Microseconds())
	}
}
