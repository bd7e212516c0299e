// Package replica is this node's copy: the records of the keys that it holds,
// read and changed one key's turn at a time, their expiry, and what is counted
// per slot.
//
// It turns an engine's opaque entries into records and values with expiries, and
// back. There are two ways in: Txn, over values, is that of a node that stands
// alone; Records, over whole records, that of replication. It must not know about
// other nodes, quorums, or Redis commands.
//
// Invariants:
//   - Every change of a key mints a new dot, here or where the record was made. A dot
//     that is minted here is above all that the vector in its place has.
//   - An expired value is never seen again once it was seen expired (its clock does
//     not step back). A tombstone, and what has expired, is counted as no key and
//     never shown.
//   - In a replicated store an entry goes only by Records.Drop: not by expiry, not by
//     the sweep, not by a read. The sweep marks what has expired and, a minute
//     later, cuts its bytes, and writes what has no hash again with one, over whatever
//     the record is by then: no version changes.
//   - The per-slot figures say what the metas of the engine's entries say, also
//     when the engine refuses what was decided; after a start they are made from the metas
//     alone, or from the note of the last clean stop.
//   - A slot's digest is the XOR of a mix of each record's key and vector. Records
//     that are known to be damaged, or whose hash is not in their meta, have no
//     part in it.
package replica
