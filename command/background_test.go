package command

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/rldb/rldb/resp"
)

func TestBackgroundIsBounded(t *testing.T) {
	var b background
	limit := b.limit()
	total := 4 * limit
	release := make(chan struct{})
	var mu sync.Mutex
	var order []int
	for i := range total {
		b.start(func() {
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			<-release
		})
	}
	begun := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(order)
	}
	eventually(t, "the first jobs run", func() bool { return begun() == limit })
	b.mu.Lock()
	running, queued := b.running, len(b.queue)
	b.mu.Unlock()
	if running != limit || queued != total-limit {
		t.Errorf("%d run and %d wait, want %d and %d", running, queued, limit, total-limit)
	}
	close(release)
	b.wg.Wait()
	if begun() != total || b.running != 0 {
		t.Errorf("%d of %d jobs were done, %d still run", begun(), total, b.running)
	}
}

func TestWaitDropsTheQueue(t *testing.T) {
	var s Server
	release, ran := make(chan struct{}), 0
	var mu sync.Mutex
	for range 3 * s.background.limit() {
		s.background.start(func() {
			<-release
			mu.Lock()
			ran++
			mu.Unlock()
		})
	}
	s.background.ended.Store(true) // as Wait does first
	close(release)
	s.Wait()
	if ran != s.background.limit() {
		t.Errorf("%d jobs ran, want only those that had begun: %d", ran, s.background.limit())
	}
}

func TestGuarded(t *testing.T) {
	var log strings.Builder
	s := Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	w := resp.NewWriter(2, nil)
	failure := errors.New("no disk")
	if err := s.guarded("keys", func(*resp.Writer, bool) error { return failure }, w); err != failure {
		t.Errorf("got %v, want %v", err, failure)
	}
	err := s.guarded("keys", func(*resp.Writer, bool) error { panic("boom") }, w)
	if err == nil || !strings.Contains(err.Error(), "internal error") || !strings.Contains(log.String(), "boom") {
		t.Errorf("a panic gives %v and logs %q", err, log.String())
	}
}
