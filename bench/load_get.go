package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// getConnections carry GETs in turn, each a request of its own.
const getConnections = 8

// getLoad sends GETs of random existing keys on a schedule and notes how long
// after its due time each was answered.
type getLoad struct {
	keys     keyspace
	arrivals schedule
	clients  []*client
	answered atomic.Int64
	// took is by connection, in nanoseconds: connection c has the arrivals c,
	// c+getConnections, c+2*getConnections and so on.
	took [getConnections][]int64
}

func newGetLoad(addr string, k keyspace, arrivals schedule) (*getLoad, error) {
	clients, err := dialAll(addr, getConnections, arrivals.end().Add(answerLimit))
	l := &getLoad{keys: k, arrivals: arrivals, clients: clients}
	for c := range l.took {
		l.took[c] = make([]int64, 0, arrivals.n/getConnections+1)
	}
	return l, err
}

// run sends every GET, however late, and reads every reply. The first failure
// ends it.
func (l *getLoad) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { closeAll(l.clients) })
	defer stop()
	var readers sync.WaitGroup
	for c := range l.clients {
		readers.Go(func() { cancelOn(cancel, l.read(c)) })
	}
	cancelOn(cancel, l.send(ctx))
	readers.Wait()
	return context.Cause(ctx)
}

func (l *getLoad) send(ctx context.Context) error {
	random := rand.New(rand.NewPCG(3, 4))
	var command []byte
	var key [keyLen]byte
	return l.arrivals.run(ctx, func(i int) error {
		putKey(key[:], random.IntN(l.keys.n))
		command = appendCommand(command[:0], []byte("GET"), key[:])
		_, err := l.clients[i%getConnections].conn.Write(command)
		return err
	})
}

// read reads the replies of one connection.
func (l *getLoad) read(c int) error {
	for i := c; i < l.arrivals.n; i += getConnections {
		r, err := l.clients[c].read()
		if err != nil {
			return fmt.Errorf("GET %d of %d: %w", i+1, l.arrivals.n, err)
		}
		if r.kind != '$' || len(r.text) != l.keys.size {
			return fmt.Errorf("a GET gave %q (%d bytes were set)", r.text, l.keys.size)
		}
		l.took[c] = append(l.took[c], int64(time.Since(l.arrivals.due(i))))
		l.answered.Add(1)
	}
	return nil
}

// samples gives the latencies of the arrivals that were due after the warm-up,
// in ascending order.
func (l *getLoad) samples(warmUp time.Duration) []int64 {
	return sortedFrom(l.took[:], newSchedule(l.arrivals.start, l.arrivals.rate, warmUp).n)
}

// sortedFrom merges what the connections took, without the arrivals before from.
func sortedFrom(took [][]int64, from int) []int64 {
	var out []int64
	for c, list := range took {
		for i, v := range list {
			if i*len(took)+c >= from {
				out = append(out, v)
			}
		}
	}
	slices.Sort(out)
	return out
}
