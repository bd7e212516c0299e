package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// answerWithin is the time in which a node that someone treats badly still has
// to answer others. It is generous: the machine is shared with the one who does.
const answerWithin = 2 * time.Second

// watcher looks after a server while something bad is done to it: it pings over
// a connection of its own and reads the process's resident memory.
type watcher struct {
	p       *process
	stop    chan struct{}
	stopped sync.WaitGroup
	base    int64 // resident before

	// Valid after done.
	slowest time.Duration
	peak    int64
	err     error
}

// watch begins to look after a server.
func watch(t *testing.T, p *process) *watcher {
	t.Helper()
	base, err := rssBytes(p.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{p: p, stop: make(chan struct{}), base: base, peak: base}
	c := mustDial(t, p.addr)
	w.stopped.Go(func() { w.loop(c) })
	return w
}

func (w *watcher) loop(c *conn) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		began := time.Now()
		f, err := c.do("PING")
		if err != nil || f.str() != "PONG" {
			w.err = fmt.Errorf("PING is answered with %q, %v", f.raw, err)
			return
		}
		w.slowest = max(w.slowest, time.Since(began))
		if rss, err := rssBytes(w.p.cmd.Process.Pid); err == nil {
			w.peak = max(w.peak, rss)
		}
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
	}
}

// done ends the watch: the server must live, have answered in time and have
// taken at most bound bytes more than before.
func (w *watcher) done(t *testing.T, bound int64) {
	t.Helper()
	close(w.stop)
	w.stopped.Wait()
	if w.p.exited() {
		t.Fatalf("%s is gone: %v", w.p.name, w.p.err)
	}
	if w.err != nil {
		t.Error(w.err)
	}
	if w.slowest > answerWithin {
		t.Errorf("meanwhile, PING took %v", w.slowest)
	}
	if grown := w.peak - w.base; grown > bound {
		t.Errorf("the process grew by %d MB; the bound is %d MB", grown>>20, bound>>20)
	}
	t.Logf("slowest PING %v, grown by %d MB of %d MB allowed", w.slowest, (w.peak-w.base)>>20, bound>>20)
}
