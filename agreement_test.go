package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/ring"
)

// Messages of agreement may be lost, late, or overtaken by later ones: in the end
// every member knows that all agree, and none believes it while one does not.
func TestAgreementUnderLossAndDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const nodes = 3
		ids := make([]ring.ID, nodes)
		for i := range ids {
			ids[i][0] = byte(i + 1)
		}
		viewOf := func(self, version int) *membership.View {
			v := &membership.View{Self: ids[self], Ranges: []membership.Range{{From: 0, To: 16383, Member: version % nodes}}}
			for _, id := range ids {
				v.Members = append(v.Members, membership.Member{ID: id})
			}
			return v
		}
		type message struct {
			from, to int
			digest   uint64
			answer   bool
			told     uint64
		}
		var flying []message
		all := make([]*agreement, nodes)
		versions := make([]int, nodes)
		for i := range all {
			all[i] = &agreement{wake: make(chan struct{}, 1), theirs: map[ring.ID]uint64{}, told: map[ring.ID]bool{}}
			all[i].changed(viewOf(i, 0))
		}
		ask := func(i int) {
			whom, digest := all[i].untold()
			for _, id := range whom {
				flying = append(flying, message{from: i, to: int(id[0]) - 1, digest: digest})
			}
		}
		deliver := func(k int) {
			m := flying[k]
			flying = append(flying[:k], flying[k+1:]...)
			if m.answer {
				all[m.to].heard(ids[m.from], m.digest, m.told)
				return
			}
			all[m.to].heard(ids[m.from], m.digest, 0)
			flying = append(flying, message{from: m.to, to: m.from, digest: all[m.to].digest(), answer: true, told: m.digest})
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				i := rapid.IntRange(0, nodes-1).Draw(t, "node")
				versions[i]++
				all[i].changed(viewOf(i, versions[i]))
			case 1:
				ask(rapid.IntRange(0, nodes-1).Draw(t, "node"))
			case 2:
				if len(flying) > 0 { // lost
					k := rapid.IntRange(0, len(flying)-1).Draw(t, "message")
					flying = append(flying[:k], flying[k+1:]...)
				}
			default:
				if len(flying) > 0 {
					deliver(rapid.IntRange(0, len(flying)-1).Draw(t, "message"))
				}
			}
		}
		last := rapid.IntRange(0, nodes-1).Draw(t, "version")
		for i := range all {
			all[i].changed(viewOf(i, last))
		}
		for len(flying) > 0 { // what is late comes in any order
			deliver(rapid.IntRange(0, len(flying)-1).Draw(t, "late"))
		}
		for range 3 {
			for i := range all {
				ask(i)
			}
			for len(flying) > 0 {
				deliver(0)
			}
		}
		for i, a := range all {
			if whom, _ := a.untold(); !a.agreed() || len(whom) > 0 {
				t.Fatalf("node %d does not know that all agree; it would ask %v", i, whom)
			}
		}
		all[0].changed(viewOf(0, last+1))
		if all[0].agreed() {
			t.Fatal("a node believes that the others have the view that it has only just got")
		}
	})
}
