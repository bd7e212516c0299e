package main

import (
	"context"
	"fmt"
)

// needed is what a key may take in any server, with room to spare.
const needed = 450

// memory measures what a key costs beyond its own bytes and its value's. Who
// else uses the machine does not matter here.
func memory(ctx context.Context, b *bench, rounds int) ([]row, error) {
	peer := b.redisServer()
	own := b.rldbs()
	points := collection{}
	var rows []row
	for _, n := range b.opt.keys {
		name := number(float64(n)) + " keys"
		var note string
		if have := memInfo("MemAvailable"); have < int64(n)*needed {
			note = fmt.Sprintf("left out: %d MB are free, it may take %d", have>>20, int64(n)*needed>>20)
		} else {
			b.logf("%s", name)
			err := inTurn(ctx, rounds, append(own[:len(own):len(own)], peer), func(round int, s subject) error {
				return b.with(ctx, s, func(srv *server) error {
					v, err := overhead(ctx, srv, keyspace{n: n, size: b.opt.size})
					points.add(round, s.name, reading{values: map[string]float64{name: v}})
					return err
				})
			})
			if err != nil {
				return nil, err
			}
		}
		for _, s := range own {
			r := points.row(name, "B/key", s.name, peer.name, memoryTarget(n))
			if note != "" {
				r.Notes = append(r.Notes, note)
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// memoryTarget asks for something at 10M keys alone: below, what a server takes
// without any key weighs too much.
func memoryTarget(n int) target {
	if n == 10_000_000 {
		return target{ratioAtMost, 0.75}
	}
	return target{}
}

// overhead loads a server and divides what it grew by.
func overhead(ctx context.Context, srv *server, k keyspace) (float64, error) {
	before, err := settled(ctx, srv)
	if err != nil {
		return 0, err
	}
	if err := k.load(ctx, srv.addr); err != nil {
		return 0, err
	}
	after, err := settled(ctx, srv)
	if err != nil {
		return 0, err
	}
	return float64(after-before)/float64(k.n) - float64(keyLen+k.size), nil
}
