package metrics

// replication writes what only a node of a cluster has.
func (p *page) replication(x *Replication) {
	total := func(name, help string, value int64) { p.one("rldb_"+name+"_total", counter, help, float64(value)) }
	const failed = "rldb_quorum_failures_total"
	p.family(failed, counter, "Commands that failed as too few replicas answered, by the code of their error.")
	p.sample(failed, float64(x.NoQuorum), "code", "NOQUORUM")
	p.sample(failed, float64(x.ClusterDown), "code", "CLUSTERDOWN")
	total("read_repairs", "Records that reads sent to replicas that lacked them.", x.ReadRepairs)
	total("write_remints", "Writes that met a later one, and were given a later time.", x.Remints)
	total("conditional_retries", "Writes that depend on what was there, decided again as that had changed.", x.Retries)
	total("fallback_writes", "Writes that went to a node that stands in for an owner.", x.Fallbacks)
	total("siblings_made", "Writes that left several values beside each other.", x.SiblingsMade)
	total("siblings_dropped", "Values left out as there were too many beside each other.", x.SiblingsDropped)
	p.one("rldb_hints", gauge, "Records kept for other nodes that wait to go home.", float64(x.Hints))
	total("hints_delivered", "Records kept for other nodes that were sent to an owner.", x.HintsDelivered)
	total("hints_dropped", "Records kept for other nodes that all owners have, and that were dropped here.", x.HintsDropped)
	total("repair_rounds", "Rounds of anti-entropy.", x.Rounds)
	total("repair_records_pulled", "Records that repair fetched.", x.Pulled)
	total("repair_records_pushed", "Records that repair sent.", x.Pushed)
	total("repair_slots_unequal", "Slots that repair found apart.", x.Unequal)
	total("repair_records_stuck", "Attempts to move a record that could not be moved.", x.Stuck)
	catching := 0.0
	if x.CatchingUp {
		catching = 1
	}
	p.one("rldb_catching_up", gauge, "1 while this node catches up, and reads do not count on it.", catching)
	const trip = "rldb_peer_round_trip_seconds"
	p.family(trip, gauge, "How long the last ping of a member took, by member.")
	for _, m := range x.Peers {
		p.sample(trip, m.RoundTrip.Seconds(), "member", m.Member)
	}
}
