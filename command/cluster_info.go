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
	w.membership(c.view, f)
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
}
