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

// SETs come in pipelines, on a few connections in turn.
const (
	setBatch       = 50
	setConnections = 4
)

// answerLimit is how long after a schedule's end its replies may come.
const answerLimit = 30 * time.Second

// setLoad sends SETs of random existing keys on a schedule.
type setLoad struct {
	keys     keyspace
	batches  schedule
	clients  []*client
	sent     int64
	answered atomic.Int64
	over     atomic.Bool // the connections are closed on purpose
}

func newSetLoad(addr string, k keyspace, batches schedule) (*setLoad, error) {
	clients, err := dialAll(addr, setConnections, batches.end().Add(answerLimit))
	return &setLoad{keys: k, batches: batches, clients: clients}, err
}

// dialAll opens connections that fail after the deadline.
func dialAll(addr string, n int, deadline time.Time) ([]*client, error) {
	var all []*client
	for range n {
		c, err := dial(addr)
		if err == nil {
			all = append(all, c)
			err = c.conn.SetDeadline(deadline)
		}
		if err != nil {
			closeAll(all)
			return nil, err
		}
	}
	return all, nil
}

func closeAll(clients []*client) {
	for _, c := range clients {
		c.close()
	}
}

// run sends until the schedule's end and waits for the replies. The first
// failure ends it.
func (l *setLoad) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { closeAll(l.clients) })
	defer stop()
	var readers sync.WaitGroup
	for _, c := range l.clients {
		readers.Go(func() { cancelOn(cancel, l.read(c)) })
	}
	cancelOn(cancel, l.send(ctx))
	cancelOn(cancel, l.drain(ctx))
	l.over.Store(true)
	err := context.Cause(ctx)
	closeAll(l.clients)
	readers.Wait()
	return err
}

func cancelOn(cancel context.CancelCauseFunc, err error) {
	if err != nil {
		cancel(err)
	}
}

var errOver = errors.New("the schedule's time is over")

// send keeps the schedule as far as the server lets it: one that does not keep
// up fills the sockets, and what was not sent at the schedule's end never is.
func (l *setLoad) send(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2))
	end := l.batches.end()
	var batch, scratch []byte
	err := l.batches.run(ctx, func(i int) error {
		if time.Now().After(end) {
			return errOver
		}
		batch = batch[:0]
		for range setBatch {
			batch = l.keys.appendSet(batch, random.IntN(l.keys.n), &scratch)
		}
		l.sent += setBatch
		_, err := l.clients[i%setConnections].conn.Write(batch)
		return err
	})
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// read counts a connection's replies until it is closed.
func (l *setLoad) read(c *client) error {
	for {
		r, err := c.read()
		switch {
		case err != nil && l.over.Load():
			return nil
		case err != nil:
			return err
		case r.kind != '+':
			return fmt.Errorf("SET gave %q", r.text)
		}
		l.answered.Add(1)
	}
}

// drain waits until everything sent is answered.
func (l *setLoad) drain(ctx context.Context) error {
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for l.answered.Load() < l.sent {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-every.C:
		}
	}
	return nil
}
