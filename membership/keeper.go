package membership

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// keeper writes snapshots, the newest only, in a goroutine of its own (work).
type keeper struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex // guards what follows; never held during a write
	next    *snapshot
	puts    uint64        // how many were given
	done    uint64        // how many of them are written, or overtaken by a later one
	changed chan struct{} // closed, and made anew, when done grows
	wake    chan struct{}
}

func (k *keeper) init(o Options) {
	k.dir, k.log = o.Dir, o.Log
	k.changed, k.wake = make(chan struct{}), make(chan struct{}, 1)
}

// put gives a snapshot to write.
func (k *keeper) put(s snapshot) {
	k.mu.Lock()
	k.next = &s
	k.puts++
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// retryWrite is how long a write that failed waits to be tried again.
const retryWrite = time.Second

func (k *keeper) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		if err := k.flush(); err != nil {
			k.log.Error("the member map cannot be written", "dir", k.dir, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryWrite):
				select {
				case k.wake <- struct{}{}:
				default:
				}
			}
		}
	}
}

// flush writes what is to be written. Only one goroutine may call it at a time.
func (k *keeper) flush() error {
	k.mu.Lock()
	next, upTo := k.next, k.puts
	k.mu.Unlock()
	if next == nil {
		return nil
	}
	if k.dir != "" {
		if err := save(k.dir, next.encode()); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == next {
		k.next = nil
	}
	k.done = upTo
	close(k.changed)
	k.changed = make(chan struct{})
	return nil
}

// wait waits until all that was put so far is written.
func (k *keeper) wait(ctx context.Context) error {
	k.mu.Lock()
	want := k.puts
	for k.done < want {
		changed := k.changed
		k.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("the member map is not written yet: %w", ctx.Err())
		}
		k.mu.Lock()
	}
	k.mu.Unlock()
	return nil
}

// watchers are told of new views, in one goroutine (work).
type watchers struct {
	mu   sync.Mutex // guards list and subs; never held while one is called
	list []*watcher
	subs map[chan struct{}]bool // of until: woken with each view
	woke chan struct{}
}

type watcher struct {
	fn   func(*View)
	last *View // work's
}

func (w *watchers) init() {
	w.woke = make(chan struct{}, 1)
	w.subs = map[chan struct{}]bool{}
}

func (w *watchers) add(fn func(*View)) {
	w.mu.Lock()
	w.list = append(w.list, &watcher{fn: fn})
	w.mu.Unlock()
	w.wake()
}

func (w *watchers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for sub := range w.subs {
		poke(sub)
	}
	poke(w.woke)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *watchers) work(ctx context.Context, view func() *View) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.woke:
		}
		w.mu.Lock()
		list := w.list[:len(w.list):len(w.list)]
		w.mu.Unlock()
		v := view()
		for _, one := range list {
			if one.last != v {
				one.last = v
				one.fn(v)
			}
		}
	}
}

// until waits until a view is as it should be, ctx ends, or the time is over.
func (w *watchers) until(ctx context.Context, view func() *View, within time.Duration, ok func(*View) bool) {
	sub := make(chan struct{}, 1)
	w.mu.Lock()
	w.subs[sub] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.subs, sub)
		w.mu.Unlock()
	}()
	over := time.NewTimer(within)
	defer over.Stop()
	for !ok(view()) {
		select {
		case <-sub:
		case <-ctx.Done():
			return
		case <-over.C:
			return
		}
	}
}
