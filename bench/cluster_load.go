package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// What a load sends.
const (
	loadSet  = "SET"
	loadGet  = "GET"
	loadBoth = "SET+GET" // by turns
)

// waiting is where a load has WAIT 1.
type waiting int

const (
	noWait       waiting = iota
	waitEach             // after each SET
	waitAtTheEnd         // after a pipeline that has a SET
)

// waitMillis bounds each WAIT.
const waitMillis = "5000"

// clusterLoad keeps connections to the nodes of a cluster busy: each sends a
// pipeline, reads its replies, and sends the next. The keys are uniform among
// those that a connection's node serves, and the connections are spread evenly.
type clusterLoad struct {
	speaks      dialect
	what        string // one of the above
	wait        waiting
	depth       int
	connections int
	keys        *clusterKeys
}

// mapFrom asks a node for the map of slots, where there is one.
func (d dialect) mapFrom(addr string) (*slotMap, error) {
	if !d.mapped {
		return nil, nil
	}
	return slotMapOf(addr)
}

// loader is one connection of a load.
type loader struct {
	load   *clusterLoad
	addr   string
	client *client
	random *rand.Rand
	own    []int32 // keys of its node
	tally  tally
	done   atomic.Int64 // the tally's, for others
	turn   int

	words        [2][][]byte // before the key: of SET, of GET
	args         [][]byte
	key          [keyLen]byte
	value, batch []byte
	expect       []expected
}

// open connects a load to the nodes in turn.
func (l *clusterLoad) open(addrs []string, deadline time.Time) ([]*loader, error) {
	m, err := l.speaks.mapFrom(addrs[0])
	if err != nil {
		return nil, err
	}
	own := map[string][]int32{}
	for _, addr := range addrs {
		if keys := l.keys.of(addr, m); len(keys) > 0 {
			own[addr] = keys
		} else {
			return nil, fmt.Errorf("%s serves none of %d keys", addr, l.keys.n)
		}
	}
	var all []*loader
	for i := range l.connections {
		addr := addrs[i%len(addrs)]
		c, err := dial(addr)
		if err == nil {
			all = append(all, l.loader(i, addr, c, own[addr]))
			err = c.conn.SetDeadline(deadline)
		}
		if err != nil {
			closeLoaders(all)
			return nil, err
		}
	}
	return all, nil
}

func (l *clusterLoad) loader(i int, addr string, c *client, own []int32) *loader {
	w := &loader{
		load: l, addr: addr, client: c, own: own, random: rand.New(rand.NewPCG(uint64(i), 5)), turn: i,
		tally: tally{waits: l.wait != noWait, size: l.keys.size},
	}
	w.words = [2][][]byte{bytesOf(l.speaks.set), bytesOf(l.speaks.get)}
	return w
}

func closeLoaders(all []*loader) {
	for _, w := range all {
		w.client.close()
	}
}

// pipeline makes the next batch, and what is expected in return.
func (w *loader) pipeline() {
	w.batch, w.expect = w.batch[:0], w.expect[:0]
	sets := false
	for range w.load.depth {
		i := int(w.own[w.random.IntN(len(w.own))])
		putKey(w.key[:], i)
		w.turn++
		if w.load.what == loadGet || w.load.what == loadBoth && w.turn%2 == 0 {
			w.args = append(append(w.args[:0], w.words[1]...), w.key[:])
			w.add(toGet)
			continue
		}
		w.value = w.load.keys.appendValue(w.value[:0], i)
		w.args = append(append(w.args[:0], w.words[0]...), w.key[:], w.value)
		w.add(toSet)
		sets = true
		if w.load.wait == waitEach {
			w.addWait()
		}
	}
	if sets && w.load.wait == waitAtTheEnd {
		w.addWait()
	}
}

func (w *loader) add(e expected) {
	w.batch = appendCommand(w.batch, w.args...)
	w.expect = append(w.expect, e)
}

func (w *loader) addWait() {
	w.batch = appendCommand(w.batch, "WAIT", "1", waitMillis)
	w.expect = append(w.expect, toWait)
}

// round sends one pipeline and counts its replies.
func (w *loader) round() error {
	w.pipeline()
	if _, err := w.client.conn.Write(w.batch); err != nil {
		return err
	}
	for _, e := range w.expect {
		r, err := w.client.read()
		if err != nil && r.kind != '-' {
			return err
		}
		if err := w.tally.note(e, r); err != nil {
			return err
		}
	}
	w.done.Store(w.tally.done)
	if !w.tally.moved {
		return nil
	}
	w.tally.moved = false
	return w.look()
}

// look asks the connection's node anew what it serves.
func (w *loader) look() error {
	m, err := w.load.speaks.mapFrom(w.addr)
	if err != nil {
		return err
	}
	own := w.load.keys.of(w.addr, m)
	if len(own) == 0 {
		return fmt.Errorf("%s serves nothing any more", w.addr)
	}
	w.own = own
	return nil
}

// run measures a load for a time, after a warm-up. The rate is SETs and GETs a
// second.
func (l *clusterLoad) run(ctx context.Context, addrs []string, warmUp, d time.Duration) (rate float64, all tally, err error) {
	loaders, err := l.open(addrs, time.Now().Add(warmUp+d+answerLimit))
	if err != nil {
		return 0, all, err
	}
	defer closeLoaders(loaders)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { closeLoaders(loaders) })
	defer stop()
	var over atomic.Bool
	var working sync.WaitGroup
	for _, w := range loaders {
		working.Go(func() {
			for !over.Load() {
				if err := w.round(); err != nil {
					cancel(fmt.Errorf("%s: %w", w.addr, err))
					return
				}
			}
		})
	}
	_ = pause(ctx, warmUp) // cut short by a failure, which comes below
	before, began := doneBy(loaders), time.Now()
	_ = pause(ctx, d)
	after, took := doneBy(loaders), time.Since(began)
	over.Store(true)
	working.Wait()
	for _, w := range loaders {
		all.plus(w.tally)
	}
	if err := context.Cause(ctx); err != nil {
		return 0, all, err
	}
	if after == before {
		return 0, all, errors.New("nothing was done")
	}
	return float64(after-before) / took.Seconds(), all, nil
}

func doneBy(loaders []*loader) (n int64) {
	for _, w := range loaders {
		n += w.done.Load()
	}
	return n
}
