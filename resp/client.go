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

// TLS says whether the client came through TLS. Any goroutine.
func (s *Session) TLS() bool { return s.tls }

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

// Hold tells how many bytes are kept for the client elsewhere. They count
// against maxmemory-clients as its buffers do.
func (s *Session) Hold(n int64) { s.held.Store(n) }

// Held is what Hold was told. Any goroutine.
func (s *Session) Held() int64 { return s.held.Load() }

// SetNoEvict exempts the client from being closed when maxmemory-clients is
// exceeded, or ends that.
func (s *Session) SetNoEvict(on bool) { s.keep.Store(on) }

// ReplyOff, ReplySkip and ReplyOn are CLIENT REPLY's modes. They take effect
// where they are called, also in the middle of a transaction's replies.
//
// ReplyOff drops what is written from now on.
func (s *Session) ReplyOff() {
	if s.mode == replyOn || s.mode == replySkipNext {
		s.mark = len(s.w.buf)
	}
	s.mode = replyOff
}

// ReplySkip drops the next command's reply.
func (s *Session) ReplySkip() {
	if s.mode != replyOff {
		s.hush()
		s.mode = replySkipNext
	}
}

// ReplyOn ends both.
func (s *Session) ReplyOn() {
	s.hush()
	s.mode = replyOn
}

// ReplyReset ends ReplyOff; a reply that ReplySkip drops stays dropped.
func (s *Session) ReplyReset() {
	if s.mode == replyOff {
		s.ReplyOn()
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
