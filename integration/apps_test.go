package integration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The rate limiter, the session store and the lock of this file are written as
// users write them.

// allow is a limiter of n calls in a window.
func allow(ctx context.Context, rdb *redis.Client, user string, n int64, window time.Duration) (bool, error) {
	key := "rate:" + user
	var calls *redis.IntCmd
	_, err := rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		calls = pipe.Incr(ctx, key)
		pipe.ExpireNX(ctx, key, window)
		return nil
	})
	return err == nil && calls.Val() <= n, err
}

func TestRateLimiter(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 20 {
					ok, err := allow(ctx, rdb, "long", 50, time.Hour)
					if err != nil {
						t.Error(err)
					}
					if ok {
						allowed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 50 {
			t.Errorf("%d calls were allowed instead of 50", allowed.Load())
		}
		if ttl := rdb.TTL(ctx, "rate:long").Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("the window ends in %v", ttl)
		}
		// The window ends by itself, and a new one begins.
		ok, err := allow(ctx, rdb, "short", 1, time.Second)
		if err != nil || !ok {
			t.Fatalf("the first call: %v, %v", ok, err)
		}
		eventually(t, replyLimit, "a new window", func() error {
			n, err := rdb.Exists(ctx, "rate:short").Result()
			if err == nil && n != 0 {
				err = errors.New("the old window goes on")
			}
			return err
		})
		if ok, err := allow(ctx, rdb, "short", 1, time.Second); err != nil || !ok {
			t.Errorf("the first call of the next window: %v, %v", ok, err)
		}
	})
}

// A session is what a web server keeps about a visitor.
type session struct {
	User string
	Cart []string
}

// sessions keep sessions for as long as they are used.
type sessions struct {
	rdb *redis.Client
	ttl time.Duration
}

func (s sessions) save(ctx context.Context, id string, v session) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.rdb.Set(ctx, "session:"+id, text, s.ttl).Err()
}

// load reads a session and prolongs it.
func (s sessions) load(ctx context.Context, id string) (session, bool, error) {
	text, err := s.rdb.GetEx(ctx, "session:"+id, s.ttl).Bytes()
	if errors.Is(err, redis.Nil) {
		return session{}, false, nil
	}
	if err != nil {
		return session{}, false, err
	}
	var v session
	return v, true, json.Unmarshal(text, &v)
}

func (s sessions) drop(ctx context.Context, id string) error {
	return s.rdb.Del(ctx, "session:"+id).Err()
}

func TestSessionStore(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		store := sessions{rdb, 500 * time.Millisecond}
		must(t, store.save(ctx, "used", session{"ann", []string{"book"}}))
		must(t, store.save(ctx, "left", session{User: "bob"}))
		// One is read all the time and outlives its first expiry; the other does not.
		began := time.Now()
		eventually(t, replyLimit, "three times the expiry", func() error {
			v, ok, err := store.load(ctx, "used")
			if err != nil || !ok || v.User != "ann" || len(v.Cart) != 1 {
				t.Fatalf("after %v: %v %v %v", time.Since(began), v, ok, err)
			}
			if time.Since(began) < 3*store.ttl {
				return errors.New("not over")
			}
			return nil
		})
		if v, ok, err := store.load(ctx, "left"); ok || err != nil {
			t.Errorf("an expired session: %v, %v", v, err)
		}
		must(t, store.drop(ctx, "used"))
		if v, ok, err := store.load(ctx, "used"); ok || err != nil {
			t.Errorf("a dropped session: %v, %v", v, err)
		}
	})
}

// The scripts of redis-py's Lock, byte for byte.
const (
	releaseScript = `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('del', KEYS[1])
        return 1
    `
	reacquireScript = `
        local token = redis.call('get', KEYS[1])
        if not token or token ~= ARGV[1] then
            return 0
        end
        redis.call('pexpire', KEYS[1], ARGV[2])
        return 1
    `
	// releaseDocs is the form of Redis's documentation.
	releaseDocs = `if redis.call("get",KEYS[1]) == ARGV[1] then
    return redis.call("del",KEYS[1])
else
    return 0
end`
)

// lock takes a lock and returns its token, "" if someone else has it.
func lock(ctx context.Context, rdb *redis.Client, name string, ttl time.Duration) (string, error) {
	token := rand.Text()
	ok, err := rdb.SetNX(ctx, name, token, ttl).Result()
	if err != nil || !ok {
		return "", err
	}
	return token, nil
}

func TestLock(t *testing.T) {
	scripts := map[string]string{"redis-py": releaseScript, "documentation": releaseDocs}
	eachProtocol(t, func(t *testing.T, ctx context.Context, rdb *redis.Client) {
		for name, text := range scripts {
			release := redis.NewScript(text) // EVALSHA, and EVAL after NOSCRIPT
			t.Run(name, func(t *testing.T) { testLock(t, ctx, rdb, name, release) })
		}
		token, err := lock(ctx, rdb, "prolonged", time.Minute)
		must(t, err)
		reacquire := redis.NewScript(reacquireScript)
		if reacquire.Hash() != "1cac51482acf5858da00f6d685d68f886cd6b6b2" {
			t.Fatal("this is not redis-py's script")
		}
		equal(t, "pexpire with a wrong token", 0)(reacquire.Run(ctx, rdb, []string{"prolonged"}, "wrong", 3_600_000).Int())
		equal(t, "pexpire", 1)(reacquire.Run(ctx, rdb, []string{"prolonged"}, token, 3_600_000).Int())
		if ttl := rdb.PTTL(ctx, "prolonged").Val(); ttl < 50*time.Minute {
			t.Errorf("the lock is held for %v", ttl)
		}
		equal(t, "SCRIPT LOAD", release(t))(rdb.ScriptLoad(ctx, releaseScript).Result())
	})
}

// release is the hash that redis-py knows its script by.
func release(t *testing.T) string {
	const hash = "c3f8721cbb97f72bc19e972846bd7aaf91901658"
	if redis.NewScript(releaseScript).Hash() != hash {
		t.Fatal("this is not redis-py's script")
	}
	return hash
}

// testLock lets many clients add to what only the lock protects.
func testLock(t *testing.T, ctx context.Context, rdb *redis.Client, name string, release *redis.Script) {
	key := "lock:" + name
	equal(t, "releasing a lock that nobody has", 0)(release.Run(ctx, rdb, []string{key}, "wrong").Int())
	var inside, total atomic.Int64 // total is read and written apart: only the lock keeps it right
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 15 {
				var token string
				err := waitUntil(replyLimit, func() (err error) {
					if token, err = lock(ctx, rdb, key, time.Minute); err == nil && token == "" {
						err = errors.New("the lock is taken")
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d clients hold the lock", n)
				}
				total.Store(total.Load() + 1)
				inside.Add(-1)
				if n, err := release.Run(ctx, rdb, []string{key}, token+"x").Int(); n != 0 || err != nil {
					t.Errorf("releasing with a wrong token: %v, %v", n, err)
				}
				if n, err := release.Run(ctx, rdb, []string{key}, token).Int(); n != 1 || err != nil {
					t.Errorf("releasing: %v, %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	if total.Load() != 8*15 {
		t.Errorf("%d turns instead of %d", total.Load(), 8*15)
	}
}
