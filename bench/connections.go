package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
)

// connections measures what connections cost that do nothing: the server's own
// memory; what the kernel keeps for a socket is the same for all.
func connections(ctx context.Context, b *bench, rounds int) ([]row, error) {
	peer := b.redisServer()
	own := b.rldbs()
	points := collection{}
	name := number(float64(b.opt.connections)) + " idle connections"
	err := inTurn(ctx, rounds, append(own[:len(own):len(own)], peer), func(round int, s subject) error {
		return b.with(ctx, s, func(srv *server) error {
			grown, err := idleCost(ctx, srv, b.opt.connections)
			points.add(round, s.name, reading{values: map[string]float64{
				name:          grown / 1e6,
				"one of them": grown / 1e3 / float64(b.opt.connections),
			}})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	var limit target
	if b.opt.connections == 10_000 {
		limit = target{ownAtMost, 150}
	}
	var rows []row
	for _, s := range own {
		rows = append(rows,
			points.row(name, "MB", s.name, peer.name, limit),
			points.row("one of them", "kB", s.name, peer.name, target{}))
	}
	return rows, nil
}

// idleCost opens n connections, each of which has asked once and been answered,
// and gives what the server grew by.
func idleCost(ctx context.Context, srv *server, n int) (float64, error) {
	before, err := settled(ctx, srv)
	if err != nil {
		return 0, err
	}
	open := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	pong := make([]byte, len("+PONG\r\n"))
	for len(open) < n && ctx.Err() == nil {
		conn, err := net.Dial("tcp", srv.addr)
		if err != nil {
			if strings.Contains(err.Error(), "too many open files") {
				err = fmt.Errorf("%w: raise the limit (ulimit -Hn) or lower -connections", err)
			}
			return 0, fmt.Errorf("connection %d: %w", len(open)+1, err)
		}
		open = append(open, conn)
		if err := askOnce(conn, pong); err != nil {
			return 0, fmt.Errorf("connection %d: %w", len(open), err)
		}
	}
	after, err := settled(ctx, srv)
	return float64(after - before), err
}

// askOnce sends PING. It has no buffer of its own: there are 10,000 of these.
func askOnce(conn net.Conn, pong []byte) error {
	if _, err := conn.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, pong); err != nil {
		return err
	}
	if string(pong) != "+PONG\r\n" {
		return fmt.Errorf("PING gave %q", pong)
	}
	return nil
}
