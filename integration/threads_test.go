package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestManyLoops: with several connection loops, commands on one key, on several
// keys, and transactions stay atomic.
func TestManyLoops(t *testing.T) {
	p := startSubject(t, options{more: []string{"--io-threads", "4"}})
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	const clients, rounds = 8, 300
	keys := []string{"a", "b", "c", "d"}
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + p.port(), PoolSize: clients})
	defer rdb.Close()
	must(t, rdb.MSet(ctx, "a", 1000, "b", 1000, "c", 1000, "d", 1000).Err())
	var wg sync.WaitGroup
	failures := make(chan error, clients)
	for i := range clients {
		wg.Go(func() {
			for j := range rounds {
				from, to := keys[(i+j)%4], keys[(i+j*3+1)%4]
				if err := move(ctx, rdb, from, to); err != nil {
					failures <- fmt.Errorf("client %d, round %d: %w", i, j, err)
					return
				}
			}
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	if n, err := rdb.Get(ctx, "count").Int(); n != clients*rounds || err != nil {
		t.Errorf("%d increments were counted (%v), want %d", n, err, clients*rounds)
	}
	if total, err := sum(ctx, rdb, keys); total != 4000 || err != nil {
		t.Errorf("the keys hold %d in all (%v), want 4000", total, err)
	}
}

// move takes 1 from a key and gives it to another, in a transaction, then looks
// at all the keys at once.
func move(ctx context.Context, rdb *redis.Client, from, to string) error {
	_, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.Decr(ctx, from)
		tx.Incr(ctx, to)
		return nil
	})
	if err != nil {
		return err
	}
	if err := rdb.Incr(ctx, "count").Err(); err != nil {
		return err
	}
	total, err := sum(ctx, rdb, []string{"a", "b", "c", "d"})
	if err == nil && total != 4000 {
		err = fmt.Errorf("MGET saw %d in all: half a transaction", total)
	}
	return err
}

func sum(ctx context.Context, rdb *redis.Client, keys []string) (total int, err error) {
	values, err := rdb.MGet(ctx, keys...).Result()
	for _, v := range values {
		var n int
		if _, serr := fmt.Sscan(fmt.Sprint(v), &n); serr != nil {
			err = errors.Join(err, serr)
		}
		total += n
	}
	return total, err
}

// TestMetricsPort: /metrics and /healthz are served where they are asked for.
func TestMetricsPort(t *testing.T) {
	if subjectIsRedis() {
		t.Log("redis-server has no metrics port")
		return
	}
	port := freePort(t)
	startSubject(t, options{metricsPort: port})
	get := func(path string) string {
		t.Helper()
		r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		must(t, err)
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		must(t, err)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, r.Status)
		}
		return string(body)
	}
	if got := get("/healthz"); got != "ok" {
		t.Errorf("/healthz answers %q", got)
	}
	for _, want := range []string{"rldb_build_info{", "rldb_commands_total{cmd=\"ping\"}", "rldb_command_duration_seconds_bucket{"} {
		if !strings.Contains(get("/metrics"), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}
