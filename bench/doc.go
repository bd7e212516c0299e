// Command bench measures rldb beside its peers, on this machine, in one run:
//
//	go run ./bench [flags] [workload ...]
//
// It owns the servers that it starts (rldb, redis-server and the small programs
// under loops/, each on a free loopback port, one at a time) and ends only
// those. It knows them from outside alone: it imports nothing of rldb.
//
// A figure counts only beside its peer's: the subjects run in turn, A B A B, and
// the ratio is taken round by round. A round during which somebody else used
// the machine (steal time, other processes) is discarded and repeated.
//
// To add a workload, write a function that returns rows and name it in
// [workloads]; to add a peer, write a [subject].
package main
