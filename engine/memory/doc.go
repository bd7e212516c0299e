// Package memory is the engine that keeps everything in memory and nothing on
// disk.
//
// It owns the layout of entries and of their index in memory that the garbage
// collector never looks at: 16 shards, each with a lock, an ordered index of
// its 1024 slots, and a heap of size-classed slabs that index and entries share.
// It must not know what a value or a [engine.Meta] means, nor how a name leads
// to its slot.
//
// What a key costs beyond its bytes: about 9 bytes of index (an 8-byte cell in a
// table that is nine tenths full), 4 bytes of entry header, its meta of 16, and
// on average 2 % of rounding.
//
// Invariants:
//   - Every entry is referred to by exactly one cell, every table and node by
//     exactly one link, so that any object can be found through its own bytes and
//     moved (evacuate.go).
//   - Cells of a slot stand in the order (Hash, Name).
//   - The entry of a marked key is changed by nobody but who has marked it, and
//     stays where it is if it is of bigClass (away.go).
//   - No call does work that grows with the number of keys, only with the size of
//     the values that it is about: tables have a greatest size and split beyond
//     it, slabs are emptied a few objects at a time, dropped slots in portions.
//   - Locks are taken in one order: shards by ascending number, then the arena.
package memory
