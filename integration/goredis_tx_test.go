package integration

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestGoRedisTransaction(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		var n *redis.IntCmd
		var get *redis.StringCmd
		_, err := rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "a", "1", 0)
			n = pipe.IncrBy(ctx, "a", 4)
			get = pipe.Get(ctx, "a")
			return nil
		})
		if err != nil || n.Val() != 5 || get.Val() != "5" {
			t.Errorf("MULTI/EXEC gives %v, %v, %v", err, n, get)
		}
		_, err = rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "word", "x", 0)
			pipe.Incr(ctx, "word")
			pipe.Set(ctx, "after", "y", 0)
			return nil
		})
		if err == nil || rdb.Get(ctx, "after").Val() != "y" {
			t.Errorf("a failing command inside: %v", err)
		}
	})
}

// TestGoRedisOptimisticLocking counts with WATCH from many clients at once: not
// one increment may be lost.
func TestGoRedisOptimisticLocking(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		const clients, each = 12, 40
		var conflicts sync.Map
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				lost := 0
				for range each {
					for {
						err := increment(ctx, rdb, "counter")
						if err == nil {
							break
						}
						if !errors.Is(err, redis.TxFailedErr) {
							t.Errorf("WATCH: %v", err)
							return
						}
						lost++
					}
				}
				conflicts.Store(i, lost)
			})
		}
		wg.Wait()
		equal(t, "the counter", strconv.Itoa(clients*each))(rdb.Get(ctx, "counter").Result())
		sum := 0
		conflicts.Range(func(_, lost any) bool { sum += lost.(int); return true })
		if sum == 0 {
			t.Error("no transaction met another: the test shows nothing")
		}
	})
}

// increment reads, adds one and writes unless someone else has written.
func increment(ctx context.Context, rdb *redis.Client, key string) error {
	return rdb.Watch(ctx, func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, key).Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, key, n+1, 0)
			return nil
		})
		return err
	}, key)
}
