package main

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	ok, one, none := reply{kind: '+', text: []byte("OK")}, reply{kind: ':', text: []byte("1")}, reply{kind: ':', text: []byte("0")}
	value, null := reply{kind: '$', text: []byte("abc")}, reply{kind: '$', null: true}
	down, moved := reply{kind: '-', text: []byte("CLUSTERDOWN no")}, reply{kind: '-', text: []byte("MOVED 1 h:2")}
	for name, c := range map[string]struct {
		waits   bool
		asked   string
		replies []reply
		want    tally
		fails   string
	}{
		"SETs and GETs":         {asked: "SGS", replies: []reply{ok, value, ok}, want: tally{done: 3}},
		"refused":               {asked: "SGS", replies: []reply{down, moved, ok}, want: tally{done: 1, refused: 2, moved: true, first: "CLUSTERDOWN no"}},
		"a key is missing":      {asked: "G", replies: []reply{null}, want: tally{missing: 1, first: "a GET found nothing"}},
		"a copy each":           {waits: true, asked: "SWSW", replies: []reply{ok, one, ok, none}, want: tally{done: 1, alone: 1, first: "WAIT saw no copy"}},
		"a copy of all":         {waits: true, asked: "SGSW", replies: []reply{ok, value, ok, one}, want: tally{done: 3}},
		"WAIT after a refusal":  {waits: true, asked: "SW", replies: []reply{down, one}, want: tally{refused: 1, first: "CLUSTERDOWN no"}},
		"WAIT is refused":       {waits: true, asked: "SW", replies: []reply{ok, down}, want: tally{refused: 1, unseen: 1, first: "CLUSTERDOWN no"}},
		"SET gives a number":    {asked: "S", replies: []reply{one}, fails: `"S" is answered with :"1"`},
		"SET gives a value":     {asked: "S", replies: []reply{value}, fails: "answered"},
		"GET gives OK":          {asked: "G", replies: []reply{ok}, fails: "answered"},
		"GET gives a short one": {asked: "G", replies: []reply{{kind: '$', text: []byte("ab")}}, fails: "answered"},
		"WAIT gives OK":         {waits: true, asked: "W", replies: []reply{ok}, fails: "answered"},
	} {
		got := tally{waits: c.waits, size: 3}
		var err error
		for i, r := range c.replies {
			if err == nil {
				err = got.note(expected(c.asked[i]), r)
			}
		}
		wantError(t, err, c.fails)
		c.want.waits, c.want.size = c.waits, 3
		if c.fails == "" && got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTallyVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		tally tally
		said  string
		fails bool
	}{
		"all went well": {tally: tally{done: 5}},
		"a few failed":  {tally: tally{done: 997, refused: 1, missing: 1, alone: 1, first: "why"}, said: "3 of 1000 failed, the first: why"},
		"too many":      {tally: tally{done: 90, refused: 10, first: "why"}, said: "10 of 100", fails: true},
		"nothing":       {tally: tally{}, said: "0 of 0", fails: true},
	} {
		said, err := c.tally.verdict()
		if (err != nil) != c.fails || !strings.Contains(said, c.said) || (said == "") != (c.said == "") {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	}
	sum := tally{done: 1, first: ""}
	sum.plus(tally{done: 2, refused: 3, missing: 4, alone: 5, first: "a"})
	sum.plus(tally{first: "b"})
	if sum != (tally{done: 3, refused: 3, missing: 4, alone: 5, first: "a"}) {
		t.Errorf("the sum is %+v", sum)
	}
}
