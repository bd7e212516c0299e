package main

import "github.com/rldb/rldb/metrics"

// Figures implements metrics.Source: it gathers what the parts tell of
// themselves, none of which knows of metrics.
func (n *node) Figures() metrics.Figures {
	x, st, front := n.commands.Snapshot(), n.store.Stats(), n.front.Counters()
	expiring, _ := n.store.Expiring(nil)
	f := metrics.Figures{
		Version: x.Version, RedisVersion: x.RedisVersion, Engine: x.Engine, Uptime: x.Uptime,
		Steps: x.Steps, Errors: x.Errors, Hits: x.Hits, Misses: x.Misses,
		Connected: n.front.Connected(), ClientMemory: n.front.ClientMemory(),
		Accepted: front.Accepted, Rejected: front.Rejected, In: front.In, Out: front.Out,
		Channels: x.Channels, Patterns: x.Patterns,
		Keys: st.Keys, Expiring: expiring, Expired: n.store.Counters().Expired,
		LiveBytes: st.LiveBytes, UsedBytes: st.UsedBytes, DiskBytes: st.DiskBytes,
		UsedMemory: x.UsedMemory, PeakMemory: x.PeakMemory, MaxMemory: x.MaxMemory,
		Resident: x.Process.Resident, CPUUser: x.Process.CPUUser, CPUSystem: x.Process.CPUSystem,
	}
	for _, c := range x.Commands {
		f.Commands = append(f.Commands, metrics.Command(c))
	}
	for _, own := range st.Extra {
		f.Own = append(f.Own, metrics.Own(own))
	}
	if n.cluster != nil {
		f.Replication = n.cluster.figures()
	}
	return f
}

// figures is the part of metrics that is replication's.
func (c *cluster) figures() *metrics.Replication {
	x, y := c.replication.coord.Counters(), c.replication.repair.Counters()
	r := &metrics.Replication{
		NoQuorum: x.NoQuorum, ClusterDown: x.ClusterDown, ReadRepairs: x.Repairs, Remints: x.Remints, Retries: x.Retries,
		Fallbacks: x.Fallbacks, SiblingsMade: x.SiblingsMade, SiblingsDropped: x.SiblingsDropped,
		Hints: y.Foreign, HintsDelivered: y.Delivered, HintsDropped: y.Dropped, Rounds: y.Rounds, Pulled: y.Pulled, Pushed: y.Pushed,
		Unequal: y.Differences, Stuck: y.Stuck, CatchingUp: y.CatchingUp,
	}
	for _, p := range c.latencies() {
		r.Peers = append(r.Peers, metrics.Peer{Member: p.Member, RoundTrip: p.RoundTrip})
	}
	return r
}
