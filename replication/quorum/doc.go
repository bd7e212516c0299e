// Package quorum decides what a coordinator does: whom a command goes to,
// when it has been met, what to send next and what to answer. Each command under
// way is a plain value that is fed events (a reply, a failure, a deadline) and
// gives effects. Who carries them out holds the sockets, the clocks and the
// goroutines; nothing here waits, and nothing is done twice for an event that
// comes twice.
//
// It must not know sockets, engines, timers or the bytes of a frame.
//
// The state machines (states: Pending, then one final Verdict):
//
//	Write        start ── fewer than W targets ──────────────► ClusterDown (nothing applied)
//	             Pending ─ W clean replies of this round ─────► Met
//	             Pending ─ W clean ones are not possible: met greater dots
//	                       (DEL: any) ────────────────────────► Pending, round+1: Remint over the
//	                       union, Send to all; at most 8 rounds, then NoQuorum
//	                       may have been clean before a reader brought it ► NoQuorum
//	             Pending ─ failed, unknown ─ a spare is left ─► Pending: Send to it
//	                                         W not possible ──► NoQuorum
//	Conditional  start ── fewer than W that count ────────────► ClusterDown
//	             Pending ─ W-1 accepted ──────────────────────► Pending: ApplyLocal
//	             Pending ─ W accepted, this node among them or not ► Met
//	             Pending ─ W not possible, none has it ───────► Retry
//	                       W not possible, one has or may have it ► MergeLocal, NoQuorum
//	Read         Pending ─ those asked cannot do it alone ────► Pending: Ask the next
//	             Pending ─ a hash that is nobody's yet ───────► Pending: Fetch, Ask one more
//	             Pending ─ a repair met a greater dot ────────► Pending: Fetch
//	             R that count heard, no Fetch under way, some lack the merge ► Repair to them
//	             R that count heard, W hold the merge ────────► Met; Repair goes on for the rest
//	             R not possible ──────────────────────────────► ClusterDown
//	             W cannot come to hold the merge ─────────────► NoQuorum
//	any          Pending ─ Deadline ──────────────────────────► NoQuorum, or as above
//
// In a Read current owners count; the others do (sloppy) only once R current
// owners are not to be had.
//
// Invariants: Met is never said with fewer than W copies acknowledged, or R
// answers that count; ClusterDown is never said after anything was applied.
package quorum
