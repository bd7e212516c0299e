package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		rate float64
		d    time.Duration
		n    int
		last time.Duration // due time of the last arrival
	}{
		{1000, time.Second, 1000, 999 * time.Millisecond},
		{2, 1500 * time.Millisecond, 3, time.Second},
		{2, 1600 * time.Millisecond, 4, 1500 * time.Millisecond},
		{0.5, 10 * time.Second, 5, 8 * time.Second},
	} {
		s := newSchedule(start, c.rate, c.d)
		if s.n != c.n || s.due(s.n-1).Sub(start) != c.last || s.end().Before(start.Add(c.d)) {
			t.Errorf("%g/s for %v: %d arrivals, the last after %v, the end after %v", c.rate, c.d, s.n, s.due(s.n-1).Sub(start), s.end().Sub(start))
		}
	}
}

// Overdue arrivals are not left out, and a failure ends the schedule.
func TestScheduleRun(t *testing.T) {
	late := newSchedule(time.Now().Add(-time.Hour), 1, 4*time.Second)
	failure := errors.New("enough")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		failAt int
		want   []int
		err    error
	}{
		"all are sent":  {context.Background(), -1, []int{0, 1, 2, 3}, nil},
		"until a fault": {context.Background(), 2, []int{0, 1, 2}, failure},
		"interrupted":   {cancelled, -1, nil, context.Canceled},
	} {
		var sent []int
		err := late.run(c.ctx, func(i int) error {
			sent = append(sent, i)
			if i == c.failAt {
				return failure
			}
			return nil
		})
		if !slices.Equal(sent, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: sent %v, %v", name, sent, err)
		}
	}
}

func TestSortedFrom(t *testing.T) {
	took := [][]int64{{50, 20, 5}, {40, 30}} // arrivals 0 2 4, and 1 3
	for from, want := range map[int][]int64{
		0: {5, 20, 30, 40, 50},
		1: {5, 20, 30, 40},
		3: {5, 30},
		9: nil,
	} {
		if got := sortedFrom(took, from); !slices.Equal(got, want) {
			t.Errorf("from arrival %d: %v, want %v", from, got, want)
		}
	}
}
