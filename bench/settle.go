package main

import (
	"context"
	"time"
)

// How a process's memory is read: it has settled when it stayed within settleBand
// (of itself) over settleWindow readings; after settleMost it is taken as it is.
const (
	settleEvery  = 250 * time.Millisecond
	settleWindow = 24
	settleBand   = 0.002
	settleMost   = 60 * time.Second
)

// settled waits until a server's resident memory stays where it is, and gives
// it. A collector returns memory for a while after the load has ended.
func settled(ctx context.Context, srv *server) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, settleMost)
	defer cancel()
	every := time.NewTicker(settleEvery)
	defer every.Stop()
	var seen []int64
	for {
		rss, err := residentBytes(srv.pid())
		if err != nil {
			return 0, err
		}
		if seen = append(seen, rss); steady(seen) {
			return rss, nil
		}
		select {
		case <-ctx.Done():
			if ctx.Err() == context.DeadlineExceeded {
				return rss, nil
			}
			return 0, ctx.Err()
		case <-every.C:
		}
	}
}

// steady says whether the last readings lie close together.
func steady(seen []int64) bool {
	if len(seen) < settleWindow {
		return false
	}
	s := summarizeInts(seen[len(seen)-settleWindow:])
	return s.Max-s.Min <= settleBand*s.Max
}

func summarizeInts(values []int64) summary {
	var f []float64
	for _, v := range values {
		f = append(f, float64(v))
	}
	return summarize(f)
}
