package command

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rldb/rldb/glob"
)

// hubTwin is the hub as a list of who listens to what.
type hubTwin struct{ subs []hubSub }

type hubSub struct {
	who  int
	kind topicKind
	name string
}

func (h *hubTwin) join(s hubSub) {
	if !slices.Contains(h.subs, s) {
		h.subs = append(h.subs, s)
	}
}

func (h *hubTwin) part(s hubSub) {
	h.subs = slices.DeleteFunc(h.subs, func(x hubSub) bool { return x == s })
}

func (h *hubTwin) leave(who int) {
	h.subs = slices.DeleteFunc(h.subs, func(x hubSub) bool { return x.who == who })
}

// names are the distinct names of a kind, sorted.
func (h *hubTwin) names(kind topicKind) []string {
	names := []string{}
	for _, s := range h.subs {
		if s.kind == kind {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hears is how many messages of a channel reach whom.
func (h *hubTwin) hears(kind topicKind, channel string) (n int) {
	for _, s := range h.subs {
		if s.kind == kind && s.name == channel ||
			kind == channelTopic && s.kind == patternTopic && (channel != "" || s.name == "") && glob.Match([]byte(s.name), []byte(channel)) {
			n++
		}
	}
	return n
}

func (h *hubTwin) order(who int, kind topicKind) [][]byte {
	names := [][]byte{}
	for _, s := range h.subs {
		if s.who == who && s.kind == kind {
			names = append(names, []byte(s.name))
		}
	}
	return names
}

// TestHubTwin plays the same on a hub, with sessions of a running node, and on
// its twin.
func TestHubTwin(t *testing.T) {
	n := startNode(t)
	for range 3 {
		n.dial().quiet()
	}
	var clients []*client // on the sessions, but the test's own
	for _, cl := range n.srv.clients.list() {
		clients = append(clients, newClient(cl.s))
	}
	rapid.Check(t, func(t *rapid.T) {
		var h hub
		var twin hubTwin
		name := rapid.SampledFrom([]string{"a", "b", "ab", "*", "a*", "?", ""})
		kind := rapid.SampledFrom([]topicKind{channelTopic, patternTopic, shardTopic})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			who := rapid.IntRange(0, len(clients)-1).Draw(t, "who")
			s := hubSub{who, kind.Draw(t, "kind"), name.Draw(t, "name")}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1, 2:
				if err := h.join(clients[who], s.kind, []byte(s.name)); err != nil {
					t.Fatal(err)
				}
				twin.join(s)
			case 3:
				h.part(clients[who], s.kind, s.name)
				twin.part(s)
			case 4:
				h.leave(clients[who])
				twin.leave(who)
			case 5:
				if s.kind == patternTopic {
					break
				}
				if got, want := h.publish(s.kind, []byte(s.name), []byte("m"), nil), twin.hears(s.kind, s.name); got != want {
					t.Fatalf("%+v is heard %d times, want %d", s, got, want)
				}
			}
			sameHub(t, &h, &twin, clients)
		}
		for _, cl := range clients {
			h.leave(cl)
		}
	})
}

func sameHub(t *rapid.T, h *hub, twin *hubTwin, clients []*client) {
	if h.total != len(twin.subs) {
		t.Fatalf("%d subscriptions, want %d", h.total, len(twin.subs))
	}
	for kind := range topicKinds {
		names := h.names(kind)
		slices.Sort(names)
		if !slices.Equal(names, twin.names(kind)) || h.count(kind) != len(names) {
			t.Fatalf("kind %d: %q, want %q", kind, names, twin.names(kind))
		}
		for who, cl := range clients {
			got, want := cl.inOrder(kind), twin.order(who, kind)
			if !slices.EqualFunc(got, want, slices.Equal[[]byte]) || int(cl.subs[kind].Load()) != len(want) {
				t.Fatalf("client %d, kind %d: %q, want %q", who, kind, got, want)
			}
		}
	}
}
