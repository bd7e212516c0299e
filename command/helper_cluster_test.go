package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rldb/rldb/ring"
)

// fakeCluster is a Cluster that remembers what it was asked.
type fakeCluster struct {
	mu       sync.Mutex // guards what follows
	calls    []string
	err      error
	hold     chan struct{} // changes wait until it is closed; nil: they do not
	disagree bool
	told     []Follower
	links    []Link
	standing Standing
	messages []string // that were published: channel and message
}

func (f *fakeCluster) Publish(channel, message []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages = append(f.messages, string(channel)+" "+string(message))
}

func (f *fakeCluster) Standing() Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.standing
}

func (f *fakeCluster) Repair(ctx context.Context) error { return f.change(ctx, "repair") }

func (f *fakeCluster) change(ctx context.Context, words ...any) error {
	f.mu.Lock()
	f.calls = append(f.calls, strings.TrimSpace(fmt.Sprintln(words...)))
	err, hold := f.err, f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return errors.New("the context has ended")
		}
	}
	return err
}

func (f *fakeCluster) Join(ctx context.Context, addr string, force bool) error {
	return f.change(ctx, "join", addr, force)
}

func (f *fakeCluster) Leave(ctx context.Context, force bool) error {
	return f.change(ctx, "leave", force)
}

func (f *fakeCluster) Forget(ctx context.Context, id string) error {
	return f.change(ctx, "forget", id[:4])
}

func (f *fakeCluster) Greet(ctx context.Context, words []string) ([][2]string, error) {
	return [][2]string{{"id", "x"}, {"words", strings.Join(words, "+")}}, f.change(ctx, "greet")
}

func (f *fakeCluster) Links() []Link {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.links
}

func (f *fakeCluster) Messages() (sent, received int64) { return 7, 8 }

func (f *fakeCluster) Agreed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.disagree
}

func (f *fakeCluster) Tell(x Follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, x)
}

// heard is whom the other members were told of.
func (f *fakeCluster) heard() []Follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

// part has members not agree.
func (f *fakeCluster) part() {
	f.mu.Lock()
	f.disagree = true
	f.mu.Unlock()
}

// said is what the fake was asked, and forgets it.
func (f *fakeCluster) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return strings.Join(calls, "; ")
}

// The IDs of the tests' members.
var (
	memberA = strings.Repeat("a", 40)
	memberB = strings.Repeat("b", 40)
	memberC = strings.Repeat("c", 40)
)

// threeMembers is a view of a, b and c, as one of them has it: a has slots 0 to
// 5460, b to 10922, c the rest. change may alter it.
func threeMembers(epoch uint64, self string, change ...func(*TopologyOptions)) *Topology {
	o := TopologyOptions{Epoch: epoch, Name: "test", Cluster: strings.Repeat("1", 40), Members: []Member{
		{ID: memberA, Host: "127.0.0.1", Port: 7001, TLSPort: 7101, BusPort: 17001},
		{ID: memberB, Host: "b.example", Port: 7002, BusPort: 17002, Hostname: "bee.example"},
		{ID: memberC, Host: "127.0.0.3", Port: 7003, TLSPort: 7103, BusPort: 17003},
	}}
	o.Primary = func(slot uint16) int { return min(int(slot)/5461, 2) }
	for _, f := range change {
		f(&o)
	}
	o.Self = Member{ID: self, Host: "127.0.0.9", Port: 7009, BusPort: 17009}
	for _, m := range o.Members {
		if m.ID == self {
			o.Self = m
		}
	}
	return NewTopology(o)
}

// startMember starts a node that is member a of three.
func startMember(t testing.TB, change ...func(*Settings)) (*adminNode, *fakeCluster) {
	t.Helper()
	f := new(fakeCluster)
	n := startAdminNodeIn(t, f, append([]func(*Settings){func(s *Settings) { s.Nudge = true }}, change...)...)
	n.srv.SetTopology(threeMembers(1, memberA))
	return n, f
}

// keyIn is a key whose slot lies between two, both included.
func keyIn(t testing.TB, from, to uint16) string {
	t.Helper()
	for i := range 1_000_000 {
		key := fmt.Sprint("key", i)
		if s := ring.Slot([]byte(key)); s >= from && s <= to {
			return key
		}
	}
	t.Fatal("no key is in those slots")
	return ""
}

// play runs commands on fresh connections of both protocols.
func (n *adminNode) play(cases []adminCase) {
	n.t.Helper()
	for _, proto := range []int{2, 3} {
		c := n.dial(proto)
		for _, tc := range cases {
			want := tc.two
			if proto == 3 && tc.three != "" {
				want = tc.three
			}
			if got := c.do(adminWords(tc.cmd)...); got != want {
				n.t.Errorf("RESP%d %s\n got %q\nwant %q", proto, tc.cmd, got, want)
			}
		}
	}
}

// published are the messages that the other members were sent.
func (f *fakeCluster) published() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages
}
