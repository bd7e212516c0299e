package command

import "math"

// lifetime is what a command's words say of expiry: nothing, or one of EX, PX,
// EXAT, PXAT, KEEPTTL and PERSIST.
type lifetime struct {
	word lifetimeWord
	arg  int // the argument that follows the word
}

type lifetimeWord uint8

const (
	lifeNone lifetimeWord = iota
	lifeEX
	lifePX
	lifeEXAT
	lifePXAT
	lifeKeep
	lifePersist
)

// isExpiryWord says whether a word says when a value is to expire, which then follows.
func isExpiryWord(word []byte) bool {
	return equalFold(word, "EX") || equalFold(word, "PX") || equalFold(word, "EXAT") || equalFold(word, "PXAT")
}

// alwaysUnread is row.unread of commands that never look.
func alwaysUnread([][]byte) bool { return true }

// timed says whether a time was given.
func (l *lifetime) timed() bool { return l.word >= lifeEX && l.word <= lifePXAT }

// take reads the option at argument i, if it is one about expiry, and returns
// how many words it takes. 0: it is another word, lacks its time, or
// contradicts an earlier one. The same option may come again: the last counts.
func (l *lifetime) take(c *call, i int) int {
	var word lifetimeWord
	switch {
	case c.is(i, "EX"):
		word = lifeEX
	case c.is(i, "PX"):
		word = lifePX
	case c.is(i, "EXAT"):
		word = lifeEXAT
	case c.is(i, "PXAT"):
		word = lifePXAT
	case c.is(i, "KEEPTTL"):
		word = lifeKeep
	case c.is(i, "PERSIST"):
		word = lifePersist
	}
	if word == lifeNone || l.word != lifeNone && l.word != word {
		return 0
	}
	if word == lifeKeep || word == lifePersist {
		l.word = word
		return 1
	}
	if i+1 >= len(c.args) {
		return 0
	}
	l.word, l.arg = word, i+1
	return 2
}

// end is the time that a timed option means, Unix ms; 0 where none was given.
// What is no time is an error, which is replied; ok is false.
func (l *lifetime) end(c *call) (n int64, ok bool) {
	if !l.timed() {
		return 0, true
	}
	n, ok = c.intArg(l.arg)
	if !ok {
		return 0, false
	}
	inSeconds, fromNow := l.word == lifeEX || l.word == lifeEXAT, l.word == lifeEX || l.word == lifePX
	ok = n > 0
	if ok && inSeconds {
		ok = n <= math.MaxInt64/1000
		n *= 1000
	}
	if ok && fromNow {
		ok = n <= math.MaxInt64-c.now
		n += c.now
	}
	if !ok {
		c.fail("ERR invalid expire time in '" + c.row.full + "' command")
	}
	return n, ok
}
