// Package repair moves data to where it belongs. One mechanism, two nodes make one
// slot equal, serves three ends: this node becomes current again after it may have
// missed writes (catching up), what it holds for others goes home (foreign data,
// which is hinted handoff), and copies that have drifted apart meet (anti-entropy).
// It also says whether this node is current, and tells others where they stand.
//
// It must not know sockets, bytes of frames, commands or quorums of commands.
//
// What decides is plain: standing (is this node current, whom must it meet first),
// foreign (what goes to whom, what may be dropped), compare (what differs in two
// pages). Each is fed events and asked for the next thing to do. The goroutines around them:
//
//	ask      each Timeout/5, and at once when asked to: looks who is reachable, asks
//	         each for its Standing, feeds the answers to standing
//	catch up when standing says that a co-owner must be met; makes all shared slots
//	         equal with one after the other
//	entropy  each second: one co-owner, at a bounded rate
//	deliver  each 200 ms, and at once when a member returns or the view changes: foreign
//
// Two locks, neither held while anything waits or a callback is called, nor one inside the other:
// Repair.mu guards standing, Repair.home guards foreign.
//
// Invariants:
//   - Current is true only if nothing has given reason to catch up since this node
//     last caught up, and (sloppy) while its lease runs: each member that it takes
//     for reachable, one at least, was asked within the last Timeout/2, and answered that it does
//     not take this node for down. The lease is judged when Current is asked.
//   - What counts for catching up was asked, or begun, after the last reason arose.
//     The order of these events is a counter's, not the clock's.
//   - A record of a foreign slot is dropped only once every owner has confirmed to hold a version
//     at least as new, and only while it is exactly the version that they have confirmed.
//   - A record that cannot be moved is left behind, counted and tried again; it keeps no other from its place. Only a
//     node that has lost data is not current without it.
//   - Memory: a page of each side, a batch of records (about batchBytes, or one record) for each worker and target,
//     and at most mostRemembered names for each slot that goes home.
package repair
