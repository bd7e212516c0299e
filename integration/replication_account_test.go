package integration

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// never is the end of a command of which nobody knows when it took effect, or whether.
const never = time.Duration(math.MaxInt64)

// deedKind is what a command does to its key.
type deedKind byte

const (
	deedSet deedKind = iota
	deedDelete
	deedIncr
)

// A deed is a command that a client gave, and what the client knows of it. Times are
// since one moment, by one clock.
type deed struct {
	kind  deedKind
	key   string
	value string // of a deedSet: no other deed has it
	// began is when the last attempt was sent: the one that was acknowledged, if any.
	began time.Duration
	// ended is when it was over for certain: when it was acknowledged, unless an earlier
	// attempt has an unknown outcome, which may still take effect. Else it is never.
	ended time.Duration
	acked bool
	// sent is how often it may have taken effect: attempts that were not refused.
	sent  int
	count int64 // what an acknowledged deedIncr was told
}

// found is what a key is in the end.
type found struct {
	there  bool
	get    string   // what GET answers
	values []string // what RLDB.GET shows
}

// verdict is what judge thinks of a history.
type verdict struct {
	deeds, acked, unknown, refused int
	siblings                       int // keys with more than one value
	lost                           []string
	wrong                          []string // whatever else must not be
}

// judge compares what was done with what is there in the end:
//
//   - An acknowledged SET is visible, or something overwrote it. What overwrites is a SET
//     or a delete, which may itself be overwritten; at the end of that chain is a value
//     that is visible, or a delete. That last one took effect after the first: so it must
//     not have ended before the first began.
//   - What GET answers did not end before another acknowledged SET began.
//   - No visible value was written before a delete that was acknowledged began.
//   - Every visible value was written by somebody, who was not told that nothing was done.
//   - A counter lies between acknowledged and attempted increments, and no two were
//     answered with the same number.
//
// The second and third hold while one node at a time fails and clocks agree.
func judge(deeds []deed, all map[string]found) verdict {
	var v verdict
	byKey := map[string][]deed{}
	for _, d := range deeds {
		v.deeds++
		switch {
		case d.acked:
			v.acked++
		case d.sent > 0:
			v.unknown++
		default:
			v.refused++
		}
		byKey[d.key] = append(byKey[d.key], d)
	}
	for key, f := range all {
		if len(f.values) > 1 {
			v.siblings++
		}
		if f.there != (len(f.values) > 0) || (f.there && !slices.Contains(f.values, f.get)) {
			v.wrong = append(v.wrong, fmt.Sprintf("%s: GET and RLDB.GET differ: %+v", key, f))
		}
		if len(byKey[key]) == 0 && f.there {
			v.wrong = append(v.wrong, fmt.Sprintf("%s appeared: %+v", key, f))
		}
	}
	for key, history := range byKey {
		if history[0].kind == deedIncr {
			v.judgeCounter(key, history, all[key])
		} else {
			v.judgeKey(key, history, all[key])
		}
	}
	return v
}

// judgeKey judges a key that is set and deleted.
func (v *verdict) judgeKey(key string, history []deed, f found) {
	const none = time.Duration(-1)
	lastSet, lastDelete, lastSurvivor := none, none, none
	by := map[string]deed{}
	for _, d := range history {
		if d.kind == deedSet {
			by[d.value] = d
		}
		if d.acked && d.kind == deedSet {
			lastSet = max(lastSet, d.began)
		}
		if d.acked && d.kind == deedDelete {
			lastDelete = max(lastDelete, d.began)
		}
		if d.sent > 0 && (d.kind == deedDelete || slices.Contains(f.values, d.value)) {
			lastSurvivor = max(lastSurvivor, d.ended)
		}
	}
	for _, value := range f.values {
		d, known := by[value]
		switch {
		case !known:
			v.wrong = append(v.wrong, fmt.Sprintf("%s: %q was never written", key, value))
		case d.sent == 0:
			v.wrong = append(v.wrong, fmt.Sprintf("%s: %q is there, and its client was told that nothing was done", key, value))
		case d.ended < lastDelete:
			v.wrong = append(v.wrong, fmt.Sprintf("%s: %q, written until %v, is back after a delete that began at %v", key, value, d.ended, lastDelete))
		}
	}
	if d, known := by[f.get]; f.there && known && d.ended < lastSet {
		v.wrong = append(v.wrong, fmt.Sprintf("%s: GET answers %q, written until %v, and another write, which began at %v, was acknowledged", key, f.get, d.ended, lastSet))
	}
	for _, d := range history {
		if d.kind == deedSet && d.acked && d.began > lastSurvivor && !slices.Contains(f.values, d.value) {
			v.lost = append(v.lost, fmt.Sprintf("%s: %q, acknowledged, written at %v: there is %.200q, the last of which ended at %v", key, d.value, d.began, f.values, lastSurvivor))
		}
	}
}

// judgeCounter judges a key that is only counted up.
func (v *verdict) judgeCounter(key string, history []deed, f found) {
	acked, sent := int64(0), int64(0)
	told := map[int64]bool{}
	for _, d := range history {
		sent += int64(d.sent)
		if !d.acked {
			continue
		}
		acked++
		if told[d.count] {
			v.wrong = append(v.wrong, fmt.Sprintf("%s: two INCRs were answered %d", key, d.count))
		}
		told[d.count] = true
	}
	var n int64
	if f.there {
		var err error
		if n, err = strconv.ParseInt(f.get, 10, 64); err != nil {
			v.wrong = append(v.wrong, fmt.Sprintf("%s is no number: %.100q", key, f.get))
			return
		}
	}
	if n < acked {
		v.lost = append(v.lost, fmt.Sprintf("%s is %d, and %d increments were acknowledged", key, n, acked))
	}
	if n > sent {
		v.wrong = append(v.wrong, fmt.Sprintf("%s is %d, and only %d increments were sent", key, n, sent))
	}
}

// String is a line for logs.
func (v verdict) String() string {
	return fmt.Sprintf("%d writes: %d acknowledged, %d with unknown outcome, %d refused; %d keys with siblings; %d lost, %d wrong",
		v.deeds, v.acked, v.unknown, v.refused, v.siblings, len(v.lost), len(v.wrong))
}
