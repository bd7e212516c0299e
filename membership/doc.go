// Package membership says who is in the cluster, who of them answers, and who
// serves which slot.
//
// It owns the member map (versioned, mergeable, persisted), its spreading through
// hashicorp/memberlist, the verdict on who is down, and the views that the rest
// of the node works with. It must not know keys, commands or the frames of the
// peer port: heartbeats are told to it through Suspect and Answers.
//
// Invariant: a View is a function of the merged state alone, and merging is
// commutative, associative and idempotent: nodes that have heard the same give
// the same answers, in whatever order they heard it.
package membership
