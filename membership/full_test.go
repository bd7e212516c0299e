package membership

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/rldb/rldb/ring"
)

// TestFullRing: a member that joins a cluster whose ring has no room waits, which
// the log says once; nothing breaks.
func TestFullRing(t *testing.T) {
	full := newState()
	number := func(n int) (id ring.ID) {
		binary.BigEndian.PutUint32(id[:], uint32(n+1))
		return id
	}
	for n := range ring.MaxMembers {
		peer := "member" + number(n).Short() + ":1"
		full.entries[number(n)] = entry{
			place: place{status: Active, version: 1, tokens: []ring.Token{ring.Token(n) << 54}},
			own:   own{version: 1, self: Self{Peer: peer, Weight: 1}},
		}
	}
	for _, more := range []int{ring.MaxMembers, ring.MaxMembers + 1} {
		full.entries[number(more)] = entry{place: place{status: Joining}, own: own{version: 1, self: Self{Peer: number(more).String(), Weight: 1}}}
	}
	c := newCore(testOptions('a'), snapshot{self: number(0), cluster: ring.ID{9}, name: "test", state: full}, true, epoch0)
	waits := 0
	for step := range 3 {
		c.tick(epoch0.Add(time.Duration(step+1) * c.o.Timing.Tick))
		for _, e := range c.take() {
			if l, ok := e.(line); ok && strings.Contains(l.text, "waits for its tokens") {
				waits++
			}
		}
	}
	if waits != 2 {
		t.Errorf("the log says %d times that a member waits, of two that do", waits)
	}
	for _, more := range []int{ring.MaxMembers, ring.MaxMembers + 1} {
		if status := c.snap.state.entries[number(more)].place.status; status != Joining {
			t.Errorf("a member beyond the last is %v", status)
		}
	}
}
