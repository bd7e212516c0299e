package main

import (
	"fmt"
	"strconv"
	"strings"
)

// expected is what the next reply of a pipeline answers.
type expected byte

const (
	toSet  expected = 'S'
	toGet  expected = 'G'
	toWait expected = 'W'
)

// tally counts the replies of a load. A SET that a WAIT follows counts when that
// has seen a copy.
type tally struct {
	waits bool
	size  int // of a value

	done    int64 // SETs and GETs that did what they should
	refused int64 // error replies
	missing int64 // GETs of keys that are there, answered with nothing
	alone   int64 // SETs without a copy when WAIT answered
	moved   bool  // one was sent elsewhere since this was last looked at
	first   string

	unseen int64 // SETs for which no WAIT was answered yet
}

// note counts a reply. It is an error if it is none to what was asked.
func (t *tally) note(e expected, r reply) error {
	switch {
	case r.kind == '-':
		t.refused++
		t.moved = t.moved || strings.HasPrefix(string(r.text), "MOVED ")
		t.say(string(r.text))
	case e == toSet && r.kind == '+' && t.waits:
		t.unseen++
	case e == toSet && r.kind == '+':
		t.done++
	case e == toWait && r.kind == ':':
		t.seen(string(r.text) != "0")
	case e == toGet && r.null:
		t.missing++
		t.say("a GET found nothing")
	case e == toGet && r.kind == '$' && len(r.text) == t.size:
		t.done++
	default:
		return fmt.Errorf("%q is answered with %c%.100q", string(e), r.kind, r.text)
	}
	return nil
}

// seen counts the SETs before a WAIT.
func (t *tally) seen(copied bool) {
	if copied {
		t.done += t.unseen
	} else {
		t.alone += t.unseen
		t.say("WAIT saw no copy")
	}
	t.unseen = 0
}

// say keeps the first thing that went wrong.
func (t *tally) say(what string) {
	if t.first == "" {
		t.first = what
	}
}

// plus adds what another connection counted.
func (t *tally) plus(o tally) {
	t.done, t.refused, t.missing, t.alone = t.done+o.done, t.refused+o.refused, t.missing+o.missing, t.alone+o.alone
	if o.first != "" {
		t.say(o.first)
	}
}

// mostFailures is the share of failures above which a run tells nothing.
const mostFailures = 0.01

// verdict says in words what went wrong, and is an error if that was too much.
func (t *tally) verdict() (string, error) {
	failed := t.refused + t.missing + t.alone
	if failed == 0 && t.done > 0 {
		return "", nil
	}
	what := fmt.Sprintf("%s of %s failed, the first: %.200s", strconv.FormatInt(failed, 10), strconv.FormatInt(failed+t.done, 10), t.first)
	if float64(failed) > mostFailures*float64(failed+t.done) || t.done == 0 {
		return what, fmt.Errorf("%s", what)
	}
	return what, nil
}
