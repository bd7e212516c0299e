package integration

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// killState is what a key is.
type killState struct {
	there   bool
	value   string
	expires span
}

// span is when a key expires, in Unix milliseconds: a client knows that only
// roughly. The zero span is never.
type span struct{ from, to int64 }

// is compares what a client expects with what it has seen.
func (s killState) is(seen killState) bool {
	return s.there == seen.there && s.value == seen.value &&
		s.expires.from <= seen.expires.from && seen.expires.to <= s.expires.to &&
		(s.expires.to == 0) == (seen.expires.to == 0)
}

// killWriter is a client that writes to keys of its own, one command at a time,
// and keeps account of what it was told.
type killWriter struct {
	id     int
	number int // of writes, which the values bear
	// keys are the states that each key has had since the last look: the first
	// as it was found then, the others as they were acknowledged.
	keys map[string][]killState
	// flying is what the command whose reply is outstanding makes of its keys.
	flying map[string]killState
}

const (
	killKeys     = 12 // of each writer
	killCounters = 3
)

func newKillWriter(id int) *killWriter {
	w := &killWriter{id: id, keys: map[string][]killState{}}
	for i := range killKeys {
		w.keys[w.key(i)] = []killState{{}}
	}
	for i := range killCounters {
		w.keys[w.counter(i)] = []killState{{}}
	}
	return w
}

func (w *killWriter) key(i int) string     { return fmt.Sprintf("w%d:key%d", w.id, i) }
func (w *killWriter) counter(i int) string { return fmt.Sprintf("w%d:counter%d", w.id, i) }

// now is the last acknowledged state of a key.
func (w *killWriter) now(key string) killState {
	h := w.keys[key]
	return h[len(h)-1]
}

// killClient is a client that sends each command once: a second INCR would count.
func killClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: addr, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
		ReadTimeout: replyLimit, WriteTimeout: replyLimit, PoolTimeout: replyLimit,
	})
}

// write writes until a command fails, and calls ack after each that did not.
func (w *killWriter) write(ctx context.Context, addr string, ack func()) error {
	rdb := killClient(addr)
	defer rdb.Close()
	for {
		if err := w.one(ctx, rdb); err != nil {
			return err
		}
		for key, s := range w.flying {
			w.keys[key] = append(w.keys[key], s)
		}
		w.flying = nil
		ack()
	}
}

// one carries out a random command. What it will have done is in flying.
func (w *killWriter) one(ctx context.Context, rdb *redis.Client) error {
	key := w.key(rand.IntN(killKeys))
	switch rand.IntN(10) {
	case 0:
		w.flying = map[string]killState{key: {}}
		return rdb.Del(ctx, key).Err()
	case 1, 2:
		return w.incr(ctx, rdb, w.counter(rand.IntN(killCounters)))
	case 3:
		return w.mset(ctx, rdb)
	case 4:
		return w.expire(ctx, rdb, key)
	default:
		w.flying = map[string]killState{key: {there: true, value: w.value()}}
		return rdb.Set(ctx, key, w.flying[key].value, 0).Err()
	}
}

// value is one that no other write has, of any size up to a few kilobytes.
func (w *killWriter) value() string {
	w.number++
	return fmt.Sprintf("%d/%d/%s", w.id, w.number, noise(w.number, 1<<rand.IntN(12)))
}

func (w *killWriter) incr(ctx context.Context, rdb *redis.Client, key string) error {
	n, _ := strconv.ParseInt(w.now(key).value, 10, 64) // 0 for an absent key
	w.flying = map[string]killState{key: {there: true, value: strconv.FormatInt(n+1, 10)}}
	got, err := rdb.Incr(ctx, key).Result()
	if err == nil && got != n+1 {
		return fmt.Errorf("INCR of %s gave %d after %d", key, got, n)
	}
	return err
}

// mset writes a few neighbouring keys at once.
func (w *killWriter) mset(ctx context.Context, rdb *redis.Client) error {
	w.flying = map[string]killState{}
	var args []string
	first := rand.IntN(killKeys)
	for i := range 2 + rand.IntN(3) {
		key := w.key((first + i) % killKeys)
		w.flying[key] = killState{there: true, value: w.value()}
		args = append(args, key, w.flying[key].value)
	}
	return rdb.MSet(ctx, args).Err()
}

// expire gives a key an hour or so, or sees that it is not there.
func (w *killWriter) expire(ctx context.Context, rdb *redis.Client, key string) error {
	s := w.now(key)
	ttl := time.Hour + time.Duration(rand.IntN(10_000))*time.Second
	from := time.Now().Add(ttl).UnixMilli()
	if s.there {
		s.expires = span{from, from + replyLimit.Milliseconds()}
	}
	w.flying = map[string]killState{key: s}
	set, err := rdb.Expire(ctx, key, ttl).Result()
	if err != nil {
		return err
	}
	if set != s.there {
		return fmt.Errorf("EXPIRE of %s gave %v, the key is %v", key, set, s)
	}
	if s.there {
		s.expires.to = time.Now().Add(ttl).UnixMilli()
		w.flying[key] = s
	}
	return nil
}

// look reads the writer's keys.
func (w *killWriter) look(ctx context.Context, rdb *redis.Client) (map[string]killState, error) {
	seen := map[string]killState{}
	for key := range w.keys {
		v, err := rdb.Get(ctx, key).Result()
		if errors.Is(err, redis.Nil) {
			seen[key] = killState{}
			continue
		}
		if err != nil {
			return nil, err
		}
		s := killState{there: true, value: v}
		at, err := rdb.PExpireTime(ctx, key).Result()
		if err != nil {
			return nil, err
		}
		if ms := at.Milliseconds(); ms > 0 {
			s.expires = span{ms, ms}
		}
		seen[key] = s
	}
	return seen, nil
}

// landed says whether the command whose reply was outstanding was carried out:
// on all of its keys, or on none.
func (w *killWriter) landed(seen map[string]killState) (bool, error) {
	n := 0
	for key, s := range w.flying {
		if s.is(seen[key]) {
			n++
		}
	}
	if n > 0 && n < len(w.flying) {
		return true, fmt.Errorf("of the %d keys of an MSET %d were set: %v", len(w.flying), n, w.flying)
	}
	return n > 0, nil
}

// lost is how many acknowledged writes to a key are missing from what is there.
// It is an error if it never was that.
func (w *killWriter) lost(key string, seen killState) (int, error) {
	if s, ok := w.flying[key]; ok && s.is(seen) {
		return 0, nil
	}
	h := w.keys[key]
	for i, s := range slices.Backward(h) {
		if s.is(seen) {
			return len(h) - 1 - i, nil
		}
	}
	return 0, fmt.Errorf("%s is %v, which nobody wrote; last acknowledged was %v, outstanding %v", key, seen, w.now(key), w.flying[key])
}

// startFrom forgets what was before.
func (w *killWriter) startFrom(seen map[string]killState) {
	for key, s := range seen {
		w.keys[key] = []killState{s}
	}
	w.flying = nil
}
