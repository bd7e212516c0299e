package integration

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// set, unset and count are deeds of key k that were acknowledged at their first attempt.
func set(value string, began, ended int) deed {
	return deed{kind: deedSet, key: "k", value: value, began: time.Duration(began), ended: time.Duration(ended), acked: true, sent: 1}
}

func unset(began, ended int) deed {
	return deed{kind: deedDelete, key: "k", began: time.Duration(began), ended: time.Duration(ended), acked: true, sent: 1}
}

func counted(n int64) deed {
	return deed{kind: deedIncr, key: "k", count: n, acked: true, sent: 1, ended: 1}
}

// vague is a deed whose outcome nobody knows, refused one that was certainly not done.
func vague(d deed) deed {
	d.acked, d.ended = false, never
	return d
}

func refused(d deed) deed {
	d.acked, d.ended, d.sent = false, never, 0
	return d
}

// shows is a key that GET answers with the first of these.
func shows(values ...string) found {
	if len(values) == 0 {
		return found{}
	}
	return found{there: true, get: values[0], values: values}
}

// TestAccount: the checker of histories sees what must not be, and lets pass what may.
func TestAccount(t *testing.T) {
	h := func(d ...deed) []deed { return d }
	for _, test := range []struct {
		name        string
		history     []deed
		found       found
		lost, wrong int
	}{
		{"a write is there", h(set("a", 0, 1)), shows("a"), 0, 0},
		{"a write is gone", h(set("a", 0, 1)), shows(), 1, 0},
		{"the second of two is there", h(set("a", 0, 1), set("b", 2, 3)), shows("b"), 0, 0},
		{"only the first of two is there", h(set("a", 0, 1), set("b", 2, 3)), shows("a"), 1, 1},
		{"two at once, either may win", h(set("a", 0, 5), set("b", 1, 3)), shows("a"), 0, 0},
		{"two at once, none is there", h(set("a", 0, 5), set("b", 1, 3)), shows(), 2, 0},
		{"two at once, both are siblings", h(set("a", 0, 5), set("b", 1, 3)), shows("b", "a"), 0, 0},
		{"an old sibling beside the newest", h(set("a", 0, 1), set("b", 2, 3)), shows("b", "a"), 0, 0},
		{"GET answers the old sibling", h(set("a", 0, 1), set("b", 2, 3)), shows("a", "b"), 0, 1},
		{"one that was overwritten by one of unknown outcome", h(set("a", 0, 1), vague(set("b", 2, 0))), shows("b"), 0, 0},
		{"one of unknown outcome was not done", h(set("a", 0, 1), vague(set("b", 2, 0))), shows("a"), 0, 0},
		{"one of unknown outcome took effect late", h(vague(set("a", 0, 0)), set("b", 2, 3)), shows("a"), 0, 0},
		{"one of unknown outcome cannot overwrite and be gone", h(set("a", 0, 1), vague(set("b", 2, 0))), shows(), 1, 0},
		{"one that was refused is there", h(refused(set("a", 0, 0))), shows("a"), 0, 1},
		{"one that was refused is not", h(refused(set("a", 0, 0))), shows(), 0, 0},
		{"deleted", h(set("a", 0, 1), unset(2, 3)), shows(), 0, 0},
		{"deleted and back", h(set("a", 0, 1), unset(2, 3)), shows("a"), 0, 1},
		{"back beside a newer one", h(set("a", 0, 1), unset(2, 3), set("b", 4, 5)), shows("b", "a"), 0, 1},
		{"deleted at the same time, and there", h(set("a", 0, 3), unset(2, 3)), shows("a"), 0, 0},
		{"set after a delete, and gone", h(unset(2, 3), set("a", 4, 5)), shows(), 1, 0},
		{"deleted, of unknown outcome", h(set("a", 0, 1), vague(unset(2, 0))), shows(), 0, 0},
		{"a delete that was refused", h(set("a", 0, 1), refused(unset(2, 0))), shows(), 1, 0},
		{"a chain: the middle is gone, and nothing after it", h(set("a", 0, 1), set("b", 2, 3), unset(0, 1)), shows("a"), 1, 1},
		{"never written", h(set("a", 0, 1)), shows("a", "x"), 0, 1},
		{"GET and RLDB.GET differ", h(set("a", 0, 1)), found{there: true, get: "x", values: []string{"a"}}, 0, 1},
		{"a second attempt may take effect after a delete", h(deed{kind: deedSet, key: "k", value: "a", began: 1, ended: never, acked: true, sent: 2}, unset(2, 3)), shows("a"), 0, 0},
		{"counted", h(counted(1), counted(2)), shows("2"), 0, 0},
		{"one count is lost", h(counted(1), counted(2)), shows("1"), 1, 0},
		{"all counts are lost", h(counted(1), counted(2)), shows(), 1, 0},
		{"counted once more than sent", h(counted(1), counted(2)), shows("3"), 0, 1},
		{"counted by an attempt that was not acknowledged", h(counted(1), vague(counted(0))), shows("2"), 0, 0},
		{"two counts had one answer", h(counted(1), counted(1), vague(counted(0))), shows("2"), 0, 1},
		{"not a number", h(counted(1)), shows("x"), 0, 1},
	} {
		v := judge(test.history, map[string]found{"k": test.found})
		if len(v.lost) != test.lost || len(v.wrong) != test.wrong {
			t.Errorf("%s: %d lost, %d wrong, instead of %d and %d: %q %q", test.name, len(v.lost), len(v.wrong), test.lost, test.wrong, v.lost, v.wrong)
		}
	}
	if v := judge(nil, map[string]found{"k": shows("a")}); len(v.wrong) != 1 {
		t.Errorf("a key that nobody wrote: %v", v)
	}
}

// TestAccountTwin: histories of a store that does everything at one moment are accepted,
// and what makes them untrue is not.
func TestAccountTwin(t *testing.T) {
	caught := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		history, end := atomicHistory(rng)
		if v := judge(history, map[string]found{"k": end}); len(v.lost)+len(v.wrong) > 0 {
			t.Fatalf("seed %d: a true history is refused: %v, %q %q\n%+v\n%+v", seed, v, v.lost, v.wrong, history, end)
		}
		// Nothing there, though the last thing that certainly happened was a SET.
		last := history[0]
		for _, d := range history {
			if d.ended == never || d.began > last.began {
				last = d
			}
		}
		if last.kind == deedSet && last.ended != never {
			caught++
			if v := judge(history, map[string]found{"k": {}}); len(v.lost) == 0 && !deletesAfter(history, last.began) {
				t.Fatalf("seed %d: a loss is not seen: %+v", seed, history)
			}
		}
	}
	t.Logf("3000 histories, of which %d lost a write", caught)
	if caught < 100 {
		t.Error("hardly any history lost a write")
	}
}

// deletesAfter tells whether a delete may have taken effect after a moment.
func deletesAfter(history []deed, at time.Duration) bool {
	for _, d := range history {
		if d.kind == deedDelete && d.sent > 0 && d.ended >= at {
			return true
		}
	}
	return false
}

// atomicHistory is a history of some SETs and DELs, each with an interval in which it
// took effect, in some cases later, or not at all; and what is there at the end.
func atomicHistory(rng *rand.Rand) ([]deed, found) {
	type effect struct {
		at time.Duration
		d  deed
	}
	var history []deed
	var effects []effect
	for i := range 1 + rng.IntN(8) {
		began := time.Duration(rng.IntN(100))
		d := set("v"+strconv.Itoa(i), int(began), int(began)+1+rng.IntN(30))
		if rng.IntN(3) == 0 {
			d.kind, d.value = deedDelete, ""
		}
		at := d.began + time.Duration(rng.Int64N(int64(d.ended-d.began)+1))
		switch rng.IntN(6) {
		case 0: // it took effect late
			d = vague(d)
			at += time.Duration(rng.IntN(100))
			effects = append(effects, effect{at, d})
		case 1: // it did not
			d = vague(d)
		case 2:
			d = refused(d)
		default:
			effects = append(effects, effect{at, d})
		}
		history = append(history, d)
	}
	var last effect
	for _, e := range effects {
		if e.at >= last.at {
			last = e
		}
	}
	if last.d.value == "" {
		return history, found{}
	}
	return history, shows(last.d.value)
}

// TestVersions: what RLDB.GET may look like in both protocols.
func TestVersions(t *testing.T) {
	bulk := func(s string) frame { return frame{kind: '$', text: []byte(s)} }
	list := func(kind byte, e ...frame) frame { return frame{kind: kind, elems: e} }
	for _, kind := range []byte{'*', '%'} {
		one := list(kind, bulk("value"), bulk("a"), bulk("dot"), bulk("1.2"))
		two := list(kind, bulk("value"), bulk("b"), bulk("dot"), bulk("1.1"))
		v, err := parseVersions(list(kind, bulk("context"), bulk("c"), bulk("values"), list('*', one, two)))
		if got := fmt.Sprint(v, err); got != "{c [a b] [1.2 1.1]} <nil>" {
			t.Errorf("%c: %s", kind, got)
		}
	}
	if v, err := parseVersions(frame{kind: '$', null: true}); err != nil || len(v.values) != 0 {
		t.Errorf("nothing: %v, %v", v, err)
	}
	for _, bad := range []frame{
		{kind: '-', text: []byte("ERR no")}, bulk("x"), list('*'), list('*', bulk("context")),
		list('*', bulk("context"), bulk("c")), list('*', bulk("context"), bulk("c"), bulk("values"), list('*', list('*', bulk("dot"), bulk("d")))),
	} {
		if v, err := parseVersions(bad); err == nil {
			t.Errorf("%+v is taken for %v", bad, v)
		}
	}
	for text, want := range map[string]string{"MOVED 1 h:2": "h:2", "MOVED 1": "", "ERR MOVED 1 h:2": ""} {
		if got := (frame{kind: '-', text: []byte(text)}).moved(); got != want {
			t.Errorf("%q moves to %q", text, got)
		}
	}
}
