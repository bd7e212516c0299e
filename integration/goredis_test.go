package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// eachProtocol runs a test with go-redis over RESP2 and RESP3.
func eachProtocol(t *testing.T, test func(t *testing.T, ctx context.Context, rdb *redis.Client)) {
	p := startSubject(t, options{})
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
			defer cancel()
			rdb := redis.NewClient(&redis.Options{
				Addr: p.addr, Protocol: protocol, ClientName: "integration",
				ReadTimeout: replyLimit, WriteTimeout: replyLimit, PoolTimeout: replyLimit,
			})
			defer rdb.Close()
			must(t, rdb.FlushDB(ctx).Err())
			test(t, ctx, rdb)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// equal fails the test unless a call gave what was wanted, without an error.
func equal[T comparable](t testing.TB, what string, want T) func(got T, err error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s gives %v, %v instead of %v", what, got, err, want)
		}
	}
}

func TestGoRedisCommands(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		equal(t, "PING", "PONG")(rdb.Ping(ctx).Result())
		equal(t, "SET", "OK")(rdb.Set(ctx, "k", "v", time.Hour).Result())
		equal(t, "GET", "v")(rdb.Get(ctx, "k").Result())
		if err := rdb.Get(ctx, "nosuch").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("GET of a missing key gives %v instead of redis.Nil", err)
		}
		equal(t, "TTL", time.Hour)(rdb.TTL(ctx, "k").Result())
		equal(t, "SETNX", false)(rdb.SetNX(ctx, "k", "w", 0).Result())
		equal(t, "SET GET", "v")(rdb.SetArgs(ctx, "k", "w", redis.SetArgs{Mode: "XX", Get: true, KeepTTL: true}).Result())
		equal(t, "GETEX", "w")(rdb.GetEx(ctx, "k", time.Minute).Result())
		equal(t, "GETDEL", "w")(rdb.GetDel(ctx, "k").Result())
		equal(t, "INCRBY", int64(42))(rdb.IncrBy(ctx, "n", 42).Result())
		equal(t, "INCRBYFLOAT", 42.5)(rdb.IncrByFloat(ctx, "n", .5).Result())
		equal(t, "APPEND", int64(5))(rdb.Append(ctx, "a", "hello").Result())
		equal(t, "GETRANGE", "ell")(rdb.GetRange(ctx, "a", 1, 3).Result())
		equal(t, "SETRANGE", int64(5))(rdb.SetRange(ctx, "a", 1, "u").Result())
		equal(t, "SETBIT", int64(0))(rdb.SetBit(ctx, "b", 7, 1).Result())
		equal(t, "BITCOUNT", int64(1))(rdb.BitCount(ctx, "b", &redis.BitCount{Start: 0, End: -1}).Result())
		equal(t, "COPY", int64(1))(rdb.Copy(ctx, "a", "a2", 0, true).Result())
		equal(t, "RENAME", "OK")(rdb.Rename(ctx, "a2", "a3").Result())
		equal(t, "EXISTS", int64(2))(rdb.Exists(ctx, "a", "a3", "a2").Result())
		equal(t, "TYPE", "string")(rdb.Type(ctx, "a").Result())
		equal(t, "EXPIRE NX", true)(rdb.ExpireNX(ctx, "a", time.Hour).Result())
		equal(t, "EXPIRE GT", false)(rdb.ExpireGT(ctx, "a", time.Minute).Result())
		equal(t, "CLIENT GETNAME", "integration")(rdb.ClientGetName(ctx).Result())
	})
}

func TestGoRedisReplies(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		must(t, rdb.MSet(ctx, "a", "1", "b", "2").Err())
		values, err := rdb.MGet(ctx, "a", "nosuch", "b").Result()
		if err != nil || !slices.Equal(values, []any{"1", nil, "2"}) {
			t.Errorf("MGET gives %v, %v", values, err)
		}
		ints, err := rdb.BitField(ctx, "bits", "INCRBY", "u8", "#0", 200, "OVERFLOW", "SAT", "INCRBY", "u8", "#0", 100).Result()
		if err != nil || !slices.Equal(ints, []int64{200, 255}) {
			t.Errorf("BITFIELD gives %v, %v", ints, err)
		}
		config, err := rdb.ConfigGet(ctx, "maxmemory*").Result()
		if err != nil || config["maxmemory-policy"] != "noeviction" {
			t.Errorf("CONFIG GET gives %v, %v", config, err)
		}
		commands, err := rdb.Command(ctx).Result()
		if err != nil || commands["get"] == nil || commands["get"].FirstKeyPos != 1 || !commands["get"].ReadOnly || commands["mset"].StepCount != 2 {
			t.Errorf("COMMAND gives %d commands, %v", len(commands), err)
		}
		if now, err := rdb.Time(ctx).Result(); err != nil || time.Since(now).Abs() > 5*time.Second {
			t.Errorf("TIME gives %v, %v", now, err)
		}
		info, err := rdb.InfoMap(ctx, "server").Result()
		if err != nil || info["Server"]["redis_version"] == "" {
			t.Errorf("INFO gives %v, %v", info, err)
		}
		err = rdb.Incr(ctx, "word").Err()
		must(t, err)
		must(t, rdb.Set(ctx, "word", "x", 0).Err())
		if err := rdb.Incr(ctx, "word").Err(); err == nil || err.Error() != "ERR value is not an integer or out of range" {
			t.Errorf("INCR of a word gives %v", err)
		}
	})
}

func TestGoRedisPipeline(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		const n = 5000
		gets := make([]*redis.StringCmd, n)
		_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i := range n {
				pipe.Set(ctx, "key"+strconv.Itoa(i), i, 0)
				gets[i] = pipe.Get(ctx, "key"+strconv.Itoa(i))
			}
			return nil
		})
		must(t, err)
		for i, get := range gets {
			if got, err := get.Int(); err != nil || got != i {
				t.Fatalf("reply %d of the pipeline is %v, %v", i, got, err)
			}
		}
		seen := map[string]bool{}
		iter := rdb.Scan(ctx, 0, "key*", 100).Iterator()
		for iter.Next(ctx) {
			seen[iter.Val()] = true
		}
		if err := iter.Err(); err != nil || len(seen) != n {
			t.Errorf("the iterator gives %d keys instead of %d: %v", len(seen), n, err)
		}
		equal(t, "DBSIZE", int64(n))(rdb.DBSize(ctx).Result())
	})
}

func TestGoRedisPubSub(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		sub := rdb.Subscribe(ctx, "news")
		defer sub.Close()
		_, err := sub.Receive(ctx) // the confirmation
		must(t, err)
		must(t, sub.PSubscribe(ctx, "sp*rt"))
		_, err = sub.Receive(ctx)
		must(t, err)
		must(t, sub.Ping(ctx, "still there"))
		pong, err := sub.Receive(ctx)
		if p, ok := pong.(*redis.Pong); err != nil || !ok || p.Payload != "still there" {
			t.Fatalf("PING in subscriber mode gives %v, %v", pong, err)
		}
		const n = 500
		go func() {
			for i := range n {
				rdb.Publish(ctx, "news", i)
				rdb.Publish(ctx, "sport", i)
			}
		}()
		next := map[string]int{}
		for range 2 * n {
			msg, err := sub.ReceiveMessage(ctx)
			must(t, err)
			if msg.Payload != strconv.Itoa(next[msg.Channel]) {
				t.Fatalf("message %d of %s is %q", next[msg.Channel], msg.Channel, msg.Payload)
			}
			if (msg.Pattern == "sp*rt") != (msg.Channel == "sport") {
				t.Fatalf("%+v", msg)
			}
			next[msg.Channel]++
		}
		equal(t, "PUBSUB NUMPAT", int64(1))(rdb.PubSubNumPat(ctx).Result())
		must(t, sub.Unsubscribe(ctx, "news"))
		eventually(t, replyLimit, "PUBSUB NUMSUB after UNSUBSCRIBE", func() error {
			if n, err := rdb.PubSubNumSub(ctx, "news").Result(); err != nil || n["news"] != 0 {
				return fmt.Errorf("%v %v", n, err)
			}
			return nil
		})
	})
}
