package command

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/coordinator"
	"github.com/rldb/rldb/replication/replica"
)

// byCoordinator says that the tests' nodes carry their commands out by a coordinator,
// as the only member of a cluster does: with RLDB_TEST_ENGINE=cluster. What clients see
// must be the same (check.sh runs the tests this way, too), but for what a test says is
// not.
func byCoordinator() bool { return os.Getenv("RLDB_TEST_ENGINE") == "cluster" }

// notByCoordinator leaves out a test of what is another thing in a cluster.
func notByCoordinator(t testing.TB, why string) {
	t.Helper()
	if byCoordinator() {
		t.Skip("in a cluster: " + why)
	}
}

// keyTagger has all keys of a table in one slot where a coordinator carries the commands
// out: it has no others. Tables that ask for the names of keys stay as they are.
func keyTagger(table []genericStep) func(words []string) []string {
	asIs := func(words []string) []string { return words }
	if !byCoordinator() {
		return asIs
	}
	for _, x := range table {
		if name, _, _ := strings.Cut(strings.ToUpper(x.cmd), " "); name == "KEYS" || name == "SCAN" || name == "RANDOMKEY" {
			return asIs
		}
	}
	rows, _ := newTable()
	return func(words []string) []string {
		args := make([][]byte, len(words))
		for i, w := range words {
			args[i] = []byte(w)
		}
		r, known := rows.lookup(args)
		if r == nil || !known || !r.keyed() || !r.arityOK(len(args)) {
			return words
		}
		pos, ok := r.keyPositions(args, nil)
		for i := 0; ok && i < len(pos); i++ {
			words[pos[i]] = "{t}" + words[pos[i]]
		}
		return words
	}
}

func openTestStore(eng engine.Engine) *replica.Store {
	return replica.Open(replica.Options{Engine: eng, Actor: 1, Log: slog.New(slog.DiscardHandler), Replicated: byCoordinator(),
		Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() })})
}

// coordinate completes the options of a test's node; end is called before its store is
// closed.
func coordinate(o Options) (_ Options, end func()) {
	if !byCoordinator() {
		return o, func() {}
	}
	c := newTestCoordinator(o.Store)
	o.Copies, o.Quorums = c, Quorums{N: 1, R: 1, W: 1}
	return o, c.Close
}

func newTestCoordinator(store *replica.Store) *coordinator.Coordinator {
	c := coordinator.New(coordinator.Options{
		Store: store, Peers: noPeers{}, N: 1, R: 1, W: 1, Sloppy: true, Current: func() bool { return true },
		After:  func(d time.Duration, f func()) { time.AfterFunc(d, f) },
		Random: rand.Int64N, Wall: func() int64 { return time.Now().UnixMilli() }, Siblings: record.MaxSiblings,
	})
	c.SetMembers(onlyOne{})
	return c
}

// onlyOne is a ring of one member.
type onlyOne struct{}

func (onlyOne) Self() coordinator.Node                                      { return coordinator.Node{1} }
func (onlyOne) Owners(uint16) []coordinator.Node                            { return []coordinator.Node{{1}} }
func (onlyOne) Others(_ uint16, into []coordinator.Node) []coordinator.Node { return into }

// noPeers are the other members of such a ring: there is nobody to be asked.
type noPeers struct{}

func (noPeers) Write(coordinator.Node, *coordinator.WriteRequest, func(coordinator.WriteAnswer, error)) {
	panic("there is no peer")
}
func (noPeers) Hash(coordinator.Node, []engine.Key, func(coordinator.HashAnswer, error)) {
	panic("there is no peer")
}
func (noPeers) Fetch(coordinator.Node, []engine.Key, func([]record.Whole, error)) {
	panic("there is no peer")
}
func (noPeers) State(coordinator.Node) coordinator.State { panic("there is no peer") }
