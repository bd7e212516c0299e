// Package ring says which slot a key is in, and (with clusters) which members
// own a slot.
//
// It owns slots, tokens and preference lists: where members' tokens lie on the
// circle of slots, which members are met clockwise from a slot, where a new
// member's tokens go, and how two rings differ. It must not know who is alive.
//
// Invariant: everything in it is pure and immutable. Members with the same
// tokens have the same lists on every node.
package ring
