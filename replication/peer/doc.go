// Package peer carries calls between the nodes of a cluster: bytes in, bytes out.
//
// It owns the peer port. A [Pool] keeps one connection to each other node and
// sends many calls over it at once; a [Server] answers what the pools of the other
// nodes send. A connection begins with a handshake in which both sides prove that
// they know the cluster's secret, and nothing that a stranger sends after it is
// looked at. A ping goes to every peer several times a second, so the pool knows
// who answers, and tells its [Watcher] whenever that changes.
//
// Calls are cheap: a server hands them to its [Handler] on the goroutine that reads them,
// many at once where they come together, and what is answered meanwhile leaves in one write,
// as does what many callers have sent at once. Nothing is allocated for a frame but its
// payload, of which small ones share their memory.
//
// It must not know what the bytes mean, who is a member, or who owns a key.
//
// The invariant: whatever a peer or a stranger sends or leaves unsent, a call ends
// within its timeout with an answer or an error, and no queue, buffer or number of
// goroutines grows beyond the bounds written down in this package.
package peer
