package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// outcome is what a client knows of one attempt.
type outcome byte

const (
	outcomeDone    outcome = iota
	outcomeRefused         // certainly not done: it was told so, or nothing was sent
	outcomeUnknown
)

// refusals are the errors with which a node says that it did nothing.
var refusals = []string{"MOVED ", "ASK ", "TRYAGAIN ", clusterDown + " ", "LOADING ", "MASTERDOWN ", "READONLY ", "ERR max number of clients"}

// classify tells what an attempt's error means.
func classify(err error) outcome {
	if err == nil || errors.Is(err, redis.Nil) {
		return outcomeDone
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrClosed) {
		return outcomeRefused
	}
	if slices.ContainsFunc(refusals, func(s string) bool { return strings.HasPrefix(err.Error(), s) }) {
		return outcomeRefused
	}
	return outcomeUnknown
}

// strange tells whether an error is an answer that no failure explains.
func strange(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer) && classify(err) == outcomeUnknown && !strings.HasPrefix(err.Error(), noQuorum+" ")
}

// attempts are what the wire carried of one command: a client's retry is one.
type attempts struct {
	name                   string // of the command: a client asks for other things too on its way
	clock                  time.Time
	began                  time.Duration // of the last
	done, refused, unknown int
}

type attemptsKey struct{}

// wireHook counts the attempts of commands whose context has an *attempts. It is one of
// a node's client: a cluster client sends each attempt through one of these.
type wireHook struct{}

func (wireHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (wireHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (wireHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		a, _ := ctx.Value(attemptsKey{}).(*attempts)
		if a == nil || a.name != cmd.Name() {
			return next(ctx, cmd)
		}
		a.began = time.Since(a.clock)
		err := next(ctx, cmd)
		switch classify(err) {
		case outcomeDone:
			a.done++
		case outcomeRefused:
			a.refused++
		case outcomeUnknown:
			a.unknown++
		}
		return err
	}
}

// counting is a cluster client whose attempts are counted. Its time-outs are short, so
// that a node that hangs does not keep it for long.
func (c *testCluster) counting() *redis.ClusterClient {
	return c.client(func(o *redis.ClusterOptions) {
		o.ReadTimeout, o.WriteTimeout, o.DialTimeout = time.Second, time.Second, time.Second
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		o.NewClient = func(n *redis.Options) *redis.Client {
			rdb := redis.NewClient(n)
			rdb.AddHook(wireHook{})
			return rdb
		}
	})
}

// Keys of the fault tests.
const (
	faultWriters  = 8
	faultOwn      = 8 // keys of each writer
	faultShared   = 12
	faultCounters = 8
)

func faultKeys() []string {
	var keys []string
	for w := range faultWriters {
		for i := range faultOwn {
			keys = append(keys, ownKey(w, i))
		}
	}
	for i := range faultShared {
		keys = append(keys, fmt.Sprintf("shared:%d", i))
	}
	for i := range faultCounters {
		keys = append(keys, fmt.Sprintf("counter:%d", i))
	}
	return keys
}

func ownKey(w, i int) string { return fmt.Sprintf("own:%d:%d", w, i) }

// faultWriter gives commands one after another, and keeps account of them.
type faultWriter struct {
	id       int
	clock    time.Time
	rdb      *redis.ClusterClient
	rng      *rand.Rand
	acks     *atomic.Int64
	account  []deed
	number   int
	last     map[string]deed // of own keys
	behind   int             // reads of own keys that did not show the last write
	strange  []string
	uncalled int // acknowledged, and the hook has not seen it
}

// run gives commands until stop is closed.
func (w *faultWriter) run(stop <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		switch n := w.rng.IntN(20); {
		case n < 7:
			w.set(ctx, ownKey(w.id, w.rng.IntN(faultOwn)))
		case n < 8:
			w.write(ctx, deed{kind: deedDelete, key: ownKey(w.id, w.rng.IntN(faultOwn))})
		case n < 12:
			w.set(ctx, fmt.Sprintf("shared:%d", w.rng.IntN(faultShared)))
		case n < 13:
			w.write(ctx, deed{kind: deedDelete, key: fmt.Sprintf("shared:%d", w.rng.IntN(faultShared))})
		case n < 17:
			w.write(ctx, deed{kind: deedIncr, key: fmt.Sprintf("counter:%d", w.rng.IntN(faultCounters))})
		default:
			w.read(ctx, ownKey(w.id, w.rng.IntN(faultOwn)))
		}
	}
}

func (w *faultWriter) set(ctx context.Context, key string) {
	w.number++
	w.write(ctx, deed{kind: deedSet, key: key, value: fmt.Sprintf("%d/%d", w.id, w.number)})
}

// write carries a deed out and writes down what became of it.
func (w *faultWriter) write(ctx context.Context, d deed) {
	a := &attempts{name: [...]string{deedSet: "set", deedDelete: "del", deedIncr: "incr"}[d.kind], clock: w.clock}
	ctx = context.WithValue(ctx, attemptsKey{}, a)
	var err error
	switch d.kind {
	case deedSet:
		err = w.rdb.Set(ctx, d.key, d.value, 0).Err()
	case deedDelete:
		err = w.rdb.Del(ctx, d.key).Err()
	case deedIncr:
		d.count, err = w.rdb.Incr(ctx, d.key).Result()
	}
	d.began, d.ended, d.acked, d.sent = a.began, never, err == nil, a.done+a.unknown
	if d.acked && a.done == 0 {
		w.uncalled++
	}
	if d.acked && a.unknown == 0 {
		d.ended = time.Since(w.clock)
	}
	if strange(err) {
		w.strange = append(w.strange, fmt.Sprintf("%+v: %v", d, err))
	}
	if d.acked {
		w.acks.Add(1)
	}
	w.account = append(w.account, d)
	if strings.HasPrefix(d.key, "own:") {
		if before := w.last[d.key]; !d.acked && d.sent == 0 {
			d = before // nothing happened
		}
		w.last[d.key] = d
	}
}

// read reads an own key: where the outcome of the last write is known, its value is.
func (w *faultWriter) read(ctx context.Context, key string) {
	got, err := w.rdb.Get(ctx, key).Result()
	there := err == nil
	if err != nil && !errors.Is(err, redis.Nil) {
		return
	}
	last, any := w.last[key]
	if !any || last.ended == never || last.key == "" {
		return
	}
	if there != (last.kind == deedSet) || (there && got != last.value) {
		w.behind++
	}
}

// faultLoad is all writers.
type faultLoad struct {
	writers []*faultWriter
	acks    atomic.Int64
	stop    chan struct{}
	ended   chan struct{}
}

// startFaultLoad starts the writers, each with a client of its own.
func startFaultLoad(c *testCluster) *faultLoad {
	l := &faultLoad{stop: make(chan struct{}), ended: make(chan struct{})}
	clock := time.Now()
	finished := make(chan struct{})
	for i := range faultWriters {
		w := &faultWriter{id: i, clock: clock, rdb: c.counting(), rng: rand.New(rand.NewPCG(uint64(i), 2)), acks: &l.acks, last: map[string]deed{}}
		l.writers = append(l.writers, w)
		go func() {
			w.run(l.stop)
			finished <- struct{}{}
		}()
	}
	go func() {
		for range faultWriters {
			<-finished
		}
		close(l.ended)
	}()
	return l
}

// reach waits until so many writes more were acknowledged.
func (l *faultLoad) reach(t testing.TB, more int64) {
	t.Helper()
	want := l.acks.Load() + more
	eventually(t, settleLimit, "writes go on", func() error {
		if n := l.acks.Load(); n < want {
			return fmt.Errorf("%d acknowledged, not %d", n, want)
		}
		return nil
	})
}

// end stops the writers and gives their account.
func (l *faultLoad) end(t testing.TB) []deed {
	t.Helper()
	close(l.stop)
	<-l.ended
	var all []deed
	behind := 0
	for _, w := range l.writers {
		all = append(all, w.account...)
		behind += w.behind
		if w.uncalled > 0 {
			t.Errorf("writer %d: %d acknowledged commands were not seen on the wire", w.id, w.uncalled)
		}
		for _, text := range w.strange[:min(3, len(w.strange))] {
			t.Errorf("an answer that no failure explains: %s", text)
		}
	}
	t.Logf("%d reads by a key's only writer did not show its last write (sloppy quorums promise that only while all owners are reachable)", behind)
	return all
}
