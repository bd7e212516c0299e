// Package record is what rldb stores under a key: what has been seen of it (a
// version vector), the values that survive, each with its dot, its expiry and
// its checksum; how two such records merge and how a coordinator makes a new
// one; the clock that dots are minted from; and the byte format of all that.
//
// It must not do I/O and must not read a clock that was not handed to it.
//
// Invariants:
//   - A decoded record is what was encoded, or an error. A record has exactly
//     one encoding. A value's CRC-32C is made when it is first written, travels
//     with it, and is checked whenever it is read.
//   - Merge is commutative, associative and idempotent, and drops only what the
//     other side has seen and no longer holds.
//   - Every write mints a dot, deletes too. Nothing but Merge, CutExpired and
//     Pruned changes a record without one; so records with equal vectors hold
//     the same values, and digests and hashes look at vectors only. (Of an
//     expired value one copy may have the bytes and another not: it reads as
//     absent with both.)
//   - A vector holds (A, t) only if the record holds, or has seen overwritten,
//     every dot of A up to t. Who mints keeps this: a node merges what it minted
//     into its own record before it mints for that key again, and takes a new
//     actor at every start.
//   - Each value's dot is in the vector; values stand in the order of their
//     dots, the greatest, which GET answers, first.
//   - A clock never gives one time twice, and never follows a time of more than
//     MaxAhead ahead of the wall clock.
package record
