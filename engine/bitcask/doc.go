// Package bitcask is the engine that keeps values in append-only segments and,
// in memory, where they stand. It is a node's default.
//
// It owns the files of its directory, whose format, recovery and merging are in
// DESIGN.md, and the goroutines that write, sync, merge, verify and read them.
// It must not know what a value or a [engine.Meta] means, nor how a name leads
// to its slot.
//
// Invariants:
//   - What the index refers to is in the tail, or on disk in a segment that the
//     table has; and it is what the log's last entry of the key says.
//   - Segments keep their place in the log's order; a merge's output has the
//     place of its run. Of any two segments that overlap there only the one with
//     the higher number counts.
//   - A value is marked as dead if and only if the index does not refer to it, but
//     for a moment while its slot is locked, or a drop or a merge is under way.
//   - All files together are within the bound that the ledger keeps.
//   - A value is served only after its checksum, name and place were checked.
//   - Nothing waits for a disk with a slot locked, except a call that has found
//     its keys changed four times in a row.
//   - Locks are taken in one order: slots (by the index), then the log's mu. The
//     log's writing, which is held during a write(2), comes before mu and is
//     never asked for with a slot locked.
package bitcask
