// Package command knows the Redis commands: one table, one row a command,
// from which dispatch, key routing, COMMAND and its documentation all come.
//
// It owns what a client's connection means (authentication, transactions,
// subscriptions) and what each command does to values. It must not know wire
// bytes (resp.Writer encodes) nor other nodes: of a cluster it knows views
// (Topology) and a small interface (Cluster).
//
// A command on keys is a pure decision: its handler runs in the turn of its
// keys, reads their values and says what becomes of them. Who fetches the
// values, and from how many nodes, is not its business: a node that stands alone has
// its store do it, a member of a cluster Copies, the coordinator. Only the RLDB.*
// commands ask Copies for whole records. A handler that Copies has run may be run
// again, where nobody accepted what it decided: what it did the first time is
// forgotten then, so it must do nothing but reply and decide.
//
// Invariant: a handler writes exactly one reply, or promises exactly one.
package command
