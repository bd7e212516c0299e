package resp

import "time"

// What follows is what a Worker may ask of a session, and tell it.

// ID is the client's number, never used twice by a server. Any goroutine.
func (s *Session) ID() int64 { return s.id }

// Created is when the client connected. Any goroutine.
func (s *Session) Created() time.Time { return s.created }

// Remote and Local are the ends of the connection, "host:port", or for a unix
// socket its path and ":0". Any goroutine.
func (s *Session) Remote() string { return s.remote }

// Local is the server's end of the connection; see Remote.
func (s *Session) Local() string { return s.local }

// Unix says whether the client came through the unix socket. Any goroutine.
func (s *Session) Unix() bool { return s.unix }

// Active is the time of the last input. Any goroutine.
func (s *Session) Active() time.Time { return time.UnixMilli(s.active.Load()) }

// Buffers is the memory in bytes of the input and output buffers, as of the
// end of the last turn. Any goroutine.
func (s *Session) Buffers() (in, out int64) { return s.qbuf.Load(), s.obuf.Load() }

// Writer is where replies go.
func (s *Session) Writer() *Writer { return &s.w }

// SetProto switches the reply encoding to RESP 2 or 3.
func (s *Session) SetProto(v int) { s.w.proto = int8(v) }

// SetTrusted lifts the limits that hold before authentication, or sets them.
func (s *Session) SetTrusted(ok bool) { s.trusted = ok }

// SetPubSub puts the client under the limits for those that are sent messages;
// idle ones of them are not closed.
func (s *Session) SetPubSub(on bool) { s.pubsub.Store(on) }

// ReplyOn, ReplyOff and ReplySkip are CLIENT REPLY's modes.
func (s *Session) ReplyOn() { s.mode = replyOn }

// ReplyOff drops all replies from this command's on.
func (s *Session) ReplyOff() { s.mode = replyOff }

// ReplySkip drops this command's reply and the next one's.
func (s *Session) ReplySkip() {
	if s.mode != replyOff {
		s.mode = replySkipNext
	}
}

// CloseSoon has the session closed once the replies so far are written; input
// that follows is dropped.
func (s *Session) CloseSoon() { s.closing = true }

// Hangup has the session closed at the end of this turn, without a reply.
func (s *Session) Hangup() { s.closing, s.broken = true, true }

// Kill closes the session as soon as its turn can be taken. Any goroutine.
func (s *Session) Kill() {
	if !s.killed.Swap(true) {
		s.tr.abort()
		s.tr.post(task{s: s})
	}
}

// Resume has the command that was answered with Stall offered again. Any
// goroutine.
func (s *Session) Resume() {
	s.waiting.Store(true)
	s.tr.post(task{s: s})
}
