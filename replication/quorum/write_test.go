package quorum

import "testing"

// kinds of replies that writeMix mixes.
const (
	replyClean = iota
	replyDirty
	replyKnown
	replyFailed
	replyKinds
)

// TestTwoCleanRepliesAndADirtyOneDoNotRemint: in whatever order they come.
func TestTwoCleanRepliesAndADirtyOneDoNotRemint(t *testing.T) {
	permutations(3, func(order []int) {
		q, _ := NewWrite(WriteOptions{W: 2}, owners(3))
		for _, i := range order {
			for _, e := range q.Reply(WriteReply{Node: node(i), Met: i == 2}) {
				if e.Kind != Answer {
					t.Fatalf("order %v: %+v", order, e)
				}
			}
		}
		if v, _ := q.Verdict(); v != Met {
			t.Fatalf("order %v: %v", order, v)
		}
	})
}

// TestWriteMixEveryOrder: every mix of clean, dirty, known and failed replies in
// every order, against the rule counted anew after each.
func TestWriteMixEveryOrder(t *testing.T) {
	for n := 1; n <= 5; n++ {
		assignments(n, replyKinds, func(as []Outcome) {
			permutations(n, func(order []int) {
				for _, w := range quorums(n) {
					writeMix(t, w, as, order)
				}
			})
		})
	}
}

func writeMix(t *testing.T, w int, as []Outcome, order []int) {
	q, _ := NewWrite(WriteOptions{W: w}, owners(len(order)))
	var n [replyKinds]int
	for at, i := range order {
		r := WriteReply{Node: node(i)}
		switch n[as[i]]++; as[i] {
		case replyDirty, replyKnown:
			r.Met, r.Known = true, as[i] == replyKnown
		case replyFailed:
			r.Outcome = Failed
		}
		effects := q.Reply(r)
		left := len(order) - at - 1
		reminted := len(effects) > 0 && effects[0].Kind == Remint
		v, _ := q.Verdict()
		hope := n[replyClean] + left
		want, wantRemint := Pending, false
		switch {
		case n[replyClean] >= w:
			want = Met
		case len(order)-n[replyFailed] < w:
			want = NoQuorum
		case hope < w && hope+n[replyKnown] < w:
			wantRemint = true
		case hope < w && left == 0:
			want = NoQuorum // nobody can tell
		}
		if v != want || reminted != wantRemint {
			t.Fatalf("w %d, %v in order %v, after %d: %v, reminted %v; want %v, %v", w, as, order, at+1, v, reminted, want, wantRemint)
		}
		if v != Pending || reminted {
			return
		}
	}
	t.Fatalf("w %d, %v in order %v: no end", w, as, order)
}

func TestWriteOnceIsNotMintedAgain(t *testing.T) {
	q, _ := NewWrite(WriteOptions{W: 2, Once: true}, owners(3))
	for i := range 2 {
		q.Reply(WriteReply{Node: node(i), Met: true})
	}
	if v, copies := q.Verdict(); v != Met || copies != 2 {
		t.Fatal(v, copies)
	}
}
