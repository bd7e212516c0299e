package main

import (
	"context"
	"slices"
)

// throughput is redis-benchmark against rldb and redis-server.
func throughput(ctx context.Context, b *bench, rounds int) ([]row, error) {
	t := series{own: b.rldbs(), peer: b.redisServer(), target: throughputTarget}
	for _, threads := range b.opt.threads {
		for _, depth := range b.opt.depths {
			t.groups = append(t.groups, group{depth: depth, threads: threads})
		}
	}
	return t.run(ctx, b, rounds)
}

func throughputTarget(s shape) target {
	asked := map[[2]int]float64{
		{1, 1}: 0.95, {1, 16}: 1.5, {1, 64}: 2.0,
		{2, 1}: 1.2, {2, 16}: 1.7, {2, 64}: 2.4,
	}
	if v, ok := asked[[2]int{s.threads, s.depth}]; ok {
		return target{ratioAtLeast, v}
	}
	return target{}
}

// group is the runs that share one start of a server.
type group struct{ depth, threads int }

// series is redis-benchmark against several subjects beside one peer.
type series struct {
	own    []subject
	peer   subject
	groups []group
	target func(shape) target
}

// run measures group after group, in each the subjects in turn. Every server is
// started afresh and filled, so that each GET finds its key and no run depends
// on those before.
func (t series) run(ctx context.Context, b *bench, rounds int) ([]row, error) {
	points := collection{}
	var rows []row
	for _, g := range t.groups {
		shapes := g.shapes(b.opt.tests)
		b.logf("depth %d, %d client threads", g.depth, g.threads)
		everyone := append(slices.Clone(t.own), t.peer)
		err := inTurn(ctx, rounds, everyone, func(round int, s subject) error {
			return b.with(ctx, s, func(srv *server) error {
				return b.runShapes(ctx, srv, round, shapes, points)
			})
		})
		if err != nil {
			return nil, err
		}
		for _, shape := range shapes {
			for _, s := range t.own {
				rows = append(rows, points.row(shape.String(), "req/s", s.name, t.peer.name, t.target(shape)))
			}
		}
	}
	return rows, nil
}

func (g group) shapes(tests []string) []shape {
	var out []shape
	for _, test := range tests {
		out = append(out, shape{test: test, depth: g.depth, threads: g.threads})
	}
	return out
}

func (b *bench) runShapes(ctx context.Context, srv *server, round int, shapes []shape, points collection) error {
	if !srv.stateless {
		if err := (keyspace{n: b.opt.keyspace, size: b.opt.size}).load(ctx, srv.addr); err != nil {
			return err
		}
	}
	for _, shape := range shapes {
		r, ok, err := b.observe(ctx, shape.String(), srv, func() (reading, error) {
			return b.redisBenchmark(ctx, srv.port, shape)
		})
		if err != nil {
			return err
		}
		if ok {
			points.add(round, srv.name, r)
		}
	}
	return nil
}
