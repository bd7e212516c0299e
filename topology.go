package main

import (
	"net"
	"strconv"

	"github.com/rldb/rldb/command"
	"github.com/rldb/rldb/membership"
)

// topologyOf is a view as commands see it. owns says which slots this node owns by it.
func topologyOf(v *membership.View, owns func(slot uint16) bool) *command.Topology {
	o := command.TopologyOptions{Epoch: v.Epoch, Name: v.Name, Self: command.Member{ID: v.Self.String()}, Primary: v.PrimaryIndex, Owns: owns}
	if !v.Cluster.IsZero() {
		o.Cluster = v.Cluster.String()
	}
	for _, m := range v.Members {
		o.Members = append(o.Members, memberOf(m))
	}
	if me, ok := v.Me(); ok {
		o.Self = memberOf(me)
	}
	o.Owners = func(slot uint16) []int {
		var alive []int
		for _, i := range v.Owners(slot, nil) {
			if v.Members[i].Serves() {
				alive = append(alive, int(i))
			}
		}
		return alive
	}
	return command.NewTopology(o)
}

func healthOf(h membership.Health) command.Health {
	switch h {
	case membership.Suspect:
		return command.Suspect
	case membership.Down:
		return command.Down
	}
	return command.Alive
}

func memberOf(m membership.Member) command.Member {
	out := command.Member{
		ID: m.ID.String(), Host: m.Host, Port: m.Port, TLSPort: m.TLSPort, Hostname: m.Hostname,
		Health: healthOf(m.Health), Reports: len(m.Reporters), Joining: m.Status == membership.Joining, Draining: m.Draining,
	}
	if _, port, err := net.SplitHostPort(m.Peer); err == nil {
		out.BusPort, _ = strconv.Atoi(port)
	}
	return out
}
