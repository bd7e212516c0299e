package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// subject is a server that can be measured.
type subject struct {
	name string
	path string
	args func(port int) []string
	env  []string
	// stateless says that it keeps nothing: it cannot be filled beforehand.
	stateless bool
	// patience is how long it may take to start, and to stop; 0 is the default.
	patience time.Duration
}

// maxClients is enough for every workload; each server's own default is just
// too few for 10,000 connections and one more.
func (b *bench) maxClients() string { return strconv.Itoa(max(10_000, b.opt.connections) + 1000) }

// redisServer is the peer, without persistence.
func (b *bench) redisServer() subject {
	return subject{name: "redis-server", path: b.redis, args: func(port int) []string {
		return []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--appendonly", "no", "--maxclients", b.maxClients()}
	}}
}

// rldbs are rldb with each of -rldb-args.
func (b *bench) rldbs() []subject {
	var all []subject
	for _, args := range b.opt.rldbArgs {
		all = append(all, b.rldbWith(args...))
	}
	return all
}

func (b *bench) rldbWith(more ...string) subject {
	name := strings.Join(append([]string{"rldb"}, more...), " ")
	return subject{name: name, path: b.rldb, args: func(port int) []string {
		args := []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--maxclients", b.maxClients()}
		if !slices.Contains(more, "--engine") {
			args = append(args, "--engine", "memory")
		}
		return append(args, more...)
	}}
}

// build makes a static binary of one of the module's packages.
func (b *bench) build(ctx context.Context, pkg string) (string, error) {
	name := filepath.Base(pkg)
	if pkg == "." {
		name = "rldb"
	}
	path := filepath.Join(b.dir, name)
	b.logf("building %s", name)
	_, err := output(ctx, b.root, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", path, pkg)
	return path, err
}

// environment is the user's, without what would configure rldb.
func environment(more []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "RLDB_") })
	return append(env, more...)
}

// inTurn calls f for every subject, round after round: A B A B.
func inTurn(ctx context.Context, rounds int, subjects []subject, f func(round int, s subject) error) error {
	for round := 1; round <= rounds; round++ {
		for _, s := range subjects {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(round, s); err != nil {
				return fmt.Errorf("round %d, %s: %w", round, s.name, err)
			}
		}
	}
	return nil
}

// with starts a subject, in a new folder, hands it to f, and stops it.
func (b *bench) with(ctx context.Context, s subject, f func(*server) error) error {
	return b.inFolder(func(dir string) error {
		srv, err := s.start(ctx, dir)
		if err != nil {
			return err
		}
		err = f(srv)
		if stopped := srv.stop(); err == nil {
			err = stopped
		}
		return err
	})
}
