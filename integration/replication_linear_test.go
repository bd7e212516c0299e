package integration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is a key as a model: it is set, read and deleted.
type registerInput struct {
	op    byte // 'S', 'G' or 'D'
	key   int
	value string
}

// registerOutput is what the client was told: a GET's value, "" for none; whether a DEL
// deleted anything.
type registerOutput struct {
	unknown bool
	value   string
	deleted bool
}

// registerModel is one key that does everything at one moment. The state is its value, ""
// for none.
func registerModel() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[int][]porcupine.Operation{}
			for _, op := range history {
				k := op.Input.(registerInput).key
				byKey[k] = append(byKey[k], op)
			}
			var all [][]porcupine.Operation
			for _, ops := range byKey {
				all = append(all, ops)
			}
			return all
		},
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			value, in, out := state.(string), input.(registerInput), output.(registerOutput)
			switch in.op {
			case 'S':
				return true, in.value
			case 'D':
				return out.unknown || out.deleted == (value != ""), ""
			default:
				return out.unknown || out.value == value, value
			}
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
}

// pending is the end of an operation of which nobody knows whether it was carried out:
// after all others.
const pending = int64(1) << 62

// linearClient gives commands to a key through random nodes, and writes down their times.
type linearClient struct {
	id, key int
	nodes   []*clusterNode
	conns   map[*clusterNode]*conn
	began   time.Time
	rng     *rand.Rand
	number  int
	history []porcupine.Operation
	refused int
	strange []string
}

// run gives so many commands, with pauses between them.
func (l *linearClient) run(commands int, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for range commands {
		<-tick.C
		l.one()
	}
	for _, c := range l.conns {
		c.Close()
	}
}

func (l *linearClient) one() {
	n := l.nodes[l.rng.IntN(len(l.nodes))]
	c := l.conns[n]
	if c == nil {
		var err error
		if c, err = dial(n.addr()); err != nil {
			return // nothing was sent
		}
		l.conns[n] = c
	}
	in := registerInput{op: "SSSGGGGGD"[l.rng.IntN(9)], key: l.key}
	key := fmt.Sprintf("linear:%d", l.key)
	args := []string{"GET", key}
	switch in.op {
	case 'S':
		l.number++
		in.value = fmt.Sprintf("%d.%d", l.id, l.number)
		args = []string{"SET", key, in.value}
	case 'D':
		args = []string{"DEL", key}
	}
	op := porcupine.Operation{ClientId: l.id, Input: in, Call: time.Since(l.began).Nanoseconds(), Return: pending}
	f, err := c.do(args...)
	switch {
	case err != nil:
		c.Close()
		delete(l.conns, n)
		op.Output = registerOutput{unknown: true}
	case f.code() == clusterDown || f.moved() != "":
		l.refused++
		return
	case f.isError():
		if f.code() != noQuorum {
			l.strange = append(l.strange, fmt.Sprintf("%q is answered with %q", args, f.raw))
		}
		op.Output = registerOutput{unknown: true}
	default:
		op.Return = time.Since(l.began).Nanoseconds()
		out := registerOutput{deleted: in.op == 'D' && f.str() == "1"}
		if in.op == 'G' {
			out.value = f.str()
		}
		op.Output = out
	}
	if out := op.Output.(registerOutput); out.unknown && in.op == 'G' {
		return // it says nothing
	}
	l.history = append(l.history, op)
}

// TestReplicationLinearizable: with strict quorums and members that stay, the history of
// each key is one of a key that does everything at one moment, also while an owner is
// killed or paused and comes back.
func TestReplicationLinearizable(t *testing.T) {
	const keys, clients = 6, 5
	commands, pause := 120, 20*time.Millisecond
	rounds := 1
	if soak() {
		rounds = 20
	}
	for _, fault := range append([]fault{{name: "nothing", do: func(*clusterNode) {}, undo: func(*clusterNode) {}}}, processFaults()[:2]...) {
		t.Run(fault.name, func(t *testing.T) {
			c := startReplicated(t, 3, clusterOptions{engine: "bitcask", strict: true, more: noNudge})
			for round := range rounds {
				began := time.Now()
				var all []*linearClient
				var working sync.WaitGroup
				for k := round * keys; k < (round+1)*keys; k++ { // keys that are not there
					for i := range clients {
						l := &linearClient{id: k*clients + i, key: k, nodes: c.nodes, conns: map[*clusterNode]*conn{}, began: began,
							rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))}
						all = append(all, l)
						working.Go(func() { l.run(commands, pause) })
					}
				}
				victim := c.nodes[round%3]
				part := time.Duration(commands) * pause / 4
				<-time.After(part)
				fault.do(victim)
				<-time.After(part)
				fault.undo(victim)
				working.Wait()
				judgeLinear(t, all)
				c.settle(c.nodes...)
			}
		})
	}
}

// judgeLinear checks the histories of all clients together.
func judgeLinear(t *testing.T, all []*linearClient) {
	t.Helper()
	var history []porcupine.Operation
	unknown, refused := 0, 0
	for _, l := range all {
		history = append(history, l.history...)
		refused += l.refused
		for _, op := range l.history {
			if op.Output.(registerOutput).unknown {
				unknown++
			}
		}
		for _, text := range l.strange {
			t.Error(text)
		}
	}
	began := time.Now()
	result := porcupine.CheckOperationsTimeout(registerModel(), history, 2*time.Minute)
	t.Logf("%d commands of %d clients, %d with unknown outcome, %d refused: %s (checked in %v)",
		len(history), len(all), unknown, refused, result, time.Since(began).Round(time.Millisecond))
	if result == porcupine.Ok {
		return
	}
	t.Errorf("the history is not linearizable, or was not checked in time: %s", result)
	for _, ops := range registerModel().Partition(history) {
		if porcupine.CheckOperationsTimeout(registerModel(), ops, time.Minute) != porcupine.Ok {
			begun := shortest(ops)
			for _, op := range begun[max(0, len(begun)-60):] {
				t.Logf("key %d: client %3d from %v to %v: %+v → %+v", op.Input.(registerInput).key, op.ClientId,
					time.Duration(op.Call), time.Duration(op.Return), op.Input, op.Output)
			}
		}
	}
}

// shortest is a beginning of a history that is not linearizable, as short as it can be:
// what had been called by a moment, with what was answered later not known yet.
func shortest(history []porcupine.Operation) []porcupine.Operation {
	until := func(at int64) []porcupine.Operation {
		var begun []porcupine.Operation
		for _, op := range history {
			if op.Call > at {
				continue
			}
			if op.Return > at {
				op.Return, op.Output = pending, registerOutput{unknown: true}
			}
			begun = append(begun, op)
		}
		return begun
	}
	var ends []int64
	for _, op := range history {
		ends = append(ends, op.Return)
	}
	slices.Sort(ends)
	n := sort.Search(len(ends)-1, func(i int) bool {
		return porcupine.CheckOperationsTimeout(registerModel(), until(ends[i]), 10*time.Second) == porcupine.Illegal
	})
	begun := until(ends[n])
	slices.SortStableFunc(begun, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	return begun
}
