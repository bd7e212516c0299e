// Package replica is this node's copy: the records of the keys that it holds,
// read and changed one key's turn at a time, their expiry, and what is counted
// per slot.
//
// It turns an engine's opaque entries into values with expiries, and back. It
// must not know about other nodes, quorums, or Redis commands.
//
// Invariants: every change of a key mints a new dot; an expired value is never
// seen again once it was seen expired (its clock does not step back); the
// per-slot figures say what the engine's entries say.
package replica
