// Package remote is what nodes ask of each other's replicas: the bytes of the messages,
// the side that asks ([Client]) and the side that answers from a replica.Store
// ([Server]).
//
// It must not know sockets, who owns a key, or what a quorum is.
//
// Invariants:
//   - A message has exactly one encoding; a decoder takes that, and refuses all else,
//     bytes that are left over too. What is decoded takes memory in proportion to the
//     message: at most [MaxKeys] keys, at most as many results as were asked for.
//   - A record is verified where it arrives. A request with a bad one, or an answer, is
//     an error as a whole, and nothing of it is stored or handed on.
//   - A record is stored by merging, in its key's turn; what the replica holds already
//     is not written again. A damaged record counts as none for a write, which overwrites
//     it, and is never served: a fetch tells of it ([Damaged]), and a hash that is asked for
//     of one that is known to be damaged is an error, so that it counts for no read.
//   - Whoever is told of something, it is as durable as the settings promise.
//   - An error for which errors.Is(err, coordinator.ErrNotApplied) certainly changed
//     nothing. Of others nothing is known.
//
// # Messages
//
// Numbers of 8, 4 and 2 bytes are little-endian; counts and lengths are uvarints in their
// shortest form; bytes are a length and so many bytes. All messages begin with
//
//	kind     1 byte
//	version  1 byte: 1
//
// and an answer has its request's kind. Keys are their names alone: slots and hashes follow
// from them. A list of keys is a count, of 1 to MaxKeys, and the names, each once. A dot
// is the actor and the HLC, 8 bytes each; dots stand in descending order. A vector is a count
// and the entries as dots, by actor.
//
// Write
//
//	request  conditional 1 byte, 0 or 1
//	         count; for each record: key, bytes; record as package record has it, bytes
//	         only if conditional: count; for each check: key, bytes; vector
//	answer   status 1 byte: 0 stored, 1 refused, 2 failed and certainly not stored
//	         0, 1: count; for each record: number of dots, the dots; if there are dots, 1 byte,
//	         1 if the replica had seen all of the record before; its vector, if there are
//	         dots or the status is 1
//	         2: text, bytes
//
// Hash
//
//	request  keys
//	answer   current 1 byte, 0 or 1; count; the hashes, 8 bytes each
//
// Fetch
//
//	request  keys
//	answer   count; for each key 1 byte: 0 there is no record, 1 a record follows as
//	         bytes, 2 it is damaged, 3 it was left out as the answer is long: ask again. At
//	         least one is not left out.
//
// Standing
//
//	request  nothing
//	answer   flags 1 byte: 1 suspected, 2 current; suspicions, start, foreign, 8 bytes each
//
// Digests
//
//	request  count, at most 16384; the slots, 2 bytes each
//	answer   count; the digests, 8 bytes each
//
// Page
//
//	request  slot 2 bytes; from 8 bytes; most
//	answer   more 1 byte, 0 or 1; next 8 bytes, if there is more; count; for each record:
//	         key, bytes; hash 8 bytes. In the order of the slot.
//
// Publish
//
//	request  channel, bytes; message, bytes
//	answer   nothing
package remote
