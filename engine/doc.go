// Package engine defines what a storage engine is: a place that keeps entries
// of opaque bytes, addressed by slot and key, and changes them atomically.
//
// It owns the interface that the engines (memory, bitcask, lsm) implement, the
// order of entries within a slot, and the [Mark] by which a data directory says
// whose it is. It must not know what the bytes mean:
// records, versions, expiry and tombstones are the replica's business, which
// hands each entry's few facts along as an opaque [Meta].
//
// Invariant: a transaction ([Txn]) is applied whole or not at all, and its
// step sees each of its keys as no other transaction is changing it.
package engine
