package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// durablePatience is how long a server may take to start or to stop with all
// its data.
const durablePatience = 10 * time.Minute

// Settings of fsync, and of Redis's appendfsync.
const (
	always   = "always"
	everysec = "everysec"
)

// bitcasks are rldb with the bitcask engine, and each of -rldb-args.
func (b *bench) bitcasks(fsync string) []subject {
	var all []subject
	for _, args := range b.opt.rldbArgs {
		s := b.rldbWith(append([]string{"--engine", "bitcask", "--fsync", fsync}, args...)...)
		s.name, s.patience = strings.Join(append([]string{"rldb, bitcask"}, args...), " "), durablePatience
		all = append(all, s)
	}
	return all
}

// redisAOF is redis-server with its append-only file.
func (b *bench) redisAOF(fsync string) subject {
	return subject{name: "redis-server, AOF", path: b.redis, patience: durablePatience, args: func(port int) []string {
		return []string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--maxclients", b.maxClients(),
			"--save", "", "--appendonly", "yes", "--appendfsync", fsync,
		}
	}}
}

// Rows of the durable workload beside the rates of redis-benchmark.
const (
	rowLoad      = "loading, pipelined"
	rowMemory    = "memory a key, key included"
	rowDisk      = "disk a key"
	rowStartStop = "start after a stop"
	rowStartKill = "start after kill -9"
)

// durable measures what a server with many keys on disk costs and how fast it
// is, with fsync once a second. What the system caches of the files is warm.
func durable(ctx context.Context, b *bench, rounds int) ([]row, error) {
	k := keyspace{n: b.opt.durableKeys, size: b.opt.size}
	if have := memInfo("MemAvailable"); have < int64(k.n)*needed {
		return nil, fmt.Errorf("%d MB are free, %d keys may take %d: lower -durable-keys", have>>20, k.n, int64(k.n)*needed>>20)
	}
	own, peer := b.bitcasks(everysec), b.redisAOF(everysec)
	var shapes []shape
	for _, depth := range b.opt.depths {
		for _, test := range b.opt.tests {
			shapes = append(shapes, shape{test: test, depth: depth, threads: 1})
		}
	}
	points := collection{}
	err := inTurn(ctx, rounds, append(own[:len(own):len(own)], peer), func(round int, s subject) error {
		b.logf("round %d: %s, %d keys", round, s.name, k.n)
		return b.inFolder(func(dir string) error { return b.durableOne(ctx, s, dir, k, round, shapes, points) })
	})
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, s := range own {
		add := func(name, unit string) { rows = append(rows, points.row(name, unit, s.name, peer.name, target{})) }
		add(rowLoad, "keys/s")
		add(rowMemory, "B")
		add(rowDisk, "B")
		for _, shape := range shapes {
			add(shape.String(), "req/s")
		}
		add(rowStartStop, "s")
		add(rowStartKill, "s")
	}
	return rows, nil
}

// durableOne is one round of one subject, in a folder of its own.
func (b *bench) durableOne(ctx context.Context, s subject, dir string, k keyspace, round int, shapes []shape, points collection) error {
	note := func(name string, v float64) {
		points.add(round, s.name, reading{values: map[string]float64{name: v}})
	}
	srv, err := s.start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = srv.end() }() // the last one, if that still runs
	before, err := settled(ctx, srv)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := k.load(ctx, srv.addr); err != nil {
		return err
	}
	note(rowLoad, float64(k.n)/time.Since(began).Seconds())
	after, err := settled(ctx, srv)
	if err != nil {
		return err
	}
	note(rowMemory, float64(after-before)/float64(k.n))
	files, err := folderBytes(dir)
	if err != nil {
		return err
	}
	note(rowDisk, float64(files)/float64(k.n))
	for _, shape := range shapes {
		r, ok, err := b.observe(ctx, shape.String(), srv, func() (reading, error) {
			return b.redisBenchmarkOver(ctx, srv.port, shape, k.n)
		})
		if err != nil {
			return err
		}
		if ok {
			points.add(round, s.name, r)
		}
	}
	for _, again := range []struct {
		row string
		end func() error
	}{{rowStartStop, srv.stop}, {rowStartKill, func() error { return srv.end() }}} {
		if err := again.end(); err != nil {
			return err
		}
		began := time.Now()
		if srv, err = s.start(ctx, dir); err != nil {
			return err
		}
		note(again.row, time.Since(began).Seconds())
		if err := k.count(srv.addr); err != nil {
			return err
		}
	}
	return srv.stop()
}

// inFolder calls f with a new folder on the disk that is to be measured.
func (b *bench) inFolder(f func(dir string) error) error {
	above := b.opt.diskDir
	if above == "" {
		above = b.dir
	}
	dir, err := os.MkdirTemp(above, "rldb-bench-data-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return f(dir)
}

// folderBytes is what the files below a folder have, the server's log apart.
func folderBytes(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == filepath.Join(dir, serverLog) {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// fsyncs is redis-benchmark's SET against bitcask beside redis-server with its
// append-only file, for each setting of fsync.
func fsyncs(ctx context.Context, b *bench, rounds int) ([]row, error) {
	var all []row
	for _, fsync := range []string{everysec, always} {
		t := series{own: b.bitcasks(fsync), peer: b.redisAOF(fsync), target: func(s shape) target { return fsyncTarget(fsync, s) }}
		for _, depth := range b.opt.depths {
			t.groups = append(t.groups, group{depth: depth, threads: 1})
		}
		rows, err := t.run(ctx, b, rounds)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i].Name = fsync + ", " + rows[i].Name
		}
		all = append(all, rows...)
	}
	return all, nil
}

func fsyncTarget(fsync string, s shape) target {
	if s.test != "SET" {
		return target{}
	}
	if fsync == always {
		return target{ratioAtLeast, 1}
	}
	if v, ok := map[int]float64{1: 1.0, 16: 1.8, 64: 2.0}[s.depth]; ok {
		return target{ratioAtLeast, v}
	}
	return target{}
}
