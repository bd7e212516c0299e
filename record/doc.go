// Package record is what rldb stores under a key: the value, when it expires,
// and the dot of the write that made it; and the byte format of all that.
//
// It must not do I/O and must not read a clock that was not handed to it.
//
// Invariant: a decoded record is what was encoded, or an error: the value's
// CRC-32C is made when it is first written and checked whenever it is read.
package record
