// Package resp is the front end: it carries client connections, cuts their
// bytes into commands, and sends replies back in order.
//
// It owns listeners, connection loops, sessions, the request scanner with its
// limits, and the reply writer for RESP2 and RESP3. redcon parses each whole
// command and encodes replies; what stands before it here keeps every limit
// that it lacks. It must not know what commands mean or where data is stored:
// those are behind [Handler].
//
// A [Session] is bytes in, bytes out. It does not know what carries it: on
// Linux an epoll loop serves many sessions from one goroutine; TLS connections
// and other systems use a goroutine a connection.
//
// Invariants: a session's fields are touched only by its carrier's turn, one
// at a time; replies leave in the order of their commands, also those that
// become known later; no client can make memory grow past the limits in
// [Limits].
package resp
