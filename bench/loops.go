package main

import (
	"context"
	"strconv"
)

// loops holds connection loops beside redis-server's, which is one thread with
// epoll. The programs under loops/ do no more than PING, SET and GET: they are
// what other loops could reach, "no store" the limit that this client sets.
func loops(ctx context.Context, b *bench, rounds int) ([]row, error) {
	own := []subject{b.rldbWith("--io-threads", "1"), b.rldbWith("--io-threads", "2")}
	redcon, err := b.build(ctx, "./bench/loops/redcon")
	if err != nil {
		return nil, err
	}
	goroutine, err := b.build(ctx, "./bench/loops/goroutine")
	if err != nil {
		return nil, err
	}
	own = append(own,
		loopSubject("redcon", redcon),
		loopSubject("goroutine", goroutine),
		loopSubject("goroutine GOMAXPROCS=1", goroutine, "GOMAXPROCS=1"),
		loopSubject("goroutine no store", goroutine, "BENCH_STORE=none"),
	)
	own[len(own)-1].stateless = true
	t := series{own: own, peer: b.redisServer(), target: func(shape) target { return target{} }}
	for _, depth := range b.opt.depths {
		t.groups = append(t.groups, group{depth: depth, threads: 1})
	}
	return t.run(ctx, b, rounds)
}

func loopSubject(name, path string, env ...string) subject {
	return subject{name: name, path: path, env: env, args: func(port int) []string {
		return []string{"127.0.0.1:" + strconv.Itoa(port)}
	}}
}
