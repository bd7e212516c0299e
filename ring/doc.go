// Package ring says which slot a key is in, and (with clusters) which members
// own a slot. It owns slots, tokens and preference lists; it must not know who
// is alive. Everything in it is pure and immutable.
package ring
