// Command bench measures rldb beside its peers, on this machine, in one run:
//
//	go run ./bench [flags] [workload ...]
//
// It owns the servers that it starts (rldb, redis-server, Olric's and the small
// programs under loops/, each on a free loopback port, one server or one cluster
// at a time) and ends only those. It knows them from outside alone: it imports
// nothing of rldb.
//
// A figure counts only beside its peer's: the subjects run in turn, A B A B, and
// the ratio is taken round by round. A round during which somebody else used
// the machine (steal time, other processes) is discarded and repeated.
//
// Clusters (the workloads cluster and gap) are started afresh for every depth and
// fault of every round. redis-benchmark --cluster takes a thread a primary and
// draws keys for each slot; this program's own load (clusterLoad) has no threads
// of its own, draws from the keys that a connection's node serves, and can send
// WAIT. A SET with WAIT counts when a copy was seen. The gap workload asks what
// users of go-redis see, so it has that client, as it comes, and counts from the
// fault to the end of the run.
//
// To add a workload, write a function that returns rows and name it in
// [workloads]; to add a peer, write a [subject].
package main
