// Package coordinator carries out commands on keys by quorum: it carries the
// events and effects of the values of package quorum between this node's replica
// and the others'.
//
// It must not know sockets, frames, RESP, or which command it carries out: a
// command is a replica.Txn and a step that decides.
//
// How. Each command is an operation (reading, blind, conditional). What happens
// to it, a reply or the end of a local transaction, is an event; its events run
// one at a time, on whichever goroutine brought the first of them (events.go). So
// an operation needs no goroutine of its own, holds no lock while it calls out,
// and a call that ends within itself is one more event, not a deeper stack.
//
// Turns. Writes of one key take effect in the order of their Starts (turns.go). A
// blind write has its keys' turn until it is applied here and sent, a conditional one until
// it has ended; a read waits behind writes that wait.
//
// Invariants:
//   - Nothing was applied anywhere when CLUSTERDOWN or STALE is answered, nor when
//     a conditional command gives up undecided.
//   - A write is answered OK once W nodes have it; a read once W nodes hold what it
//     answers, and nothing greater.
//   - What is handed to Peers is the operation's own memory: a Txn may be used again
//     once its step's Done was called.
//   - At most maxWaiting calls wait for turns; every operation ends, because every
//     call of Peers does.
package coordinator
