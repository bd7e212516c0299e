package resp

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// runner is a goroutine that serves loops, all that have it as their owner. It
// hands a loop on, between two rounds of it, once its owner is another.
type runner struct {
	ep     int // waits for all its loops, if it has not just one
	wakeFD int
	events []unix.EpollEvent
	loops  []*loop // the goroutine's

	awake atomic.Bool  // the goroutine will look at inbox before it sleeps
	slept atomic.Int64 // ns, up to since
	since atomic.Int64 // when the sleep that it is in began, by sinceStart; 0: it is awake

	mu    sync.Mutex // guards what follows
	inbox []*loop
	quit  bool // end when the last loop has ended
	ended bool // takes no loops any more
}

func newRunner() (*runner, error) {
	ep, wake, err := newWaker()
	if err != nil {
		return nil, err
	}
	r := &runner{ep: ep, wakeFD: wake, events: make([]unix.EpollEvent, maxEvents)}
	r.awake.Store(true)
	return r, nil
}

// newWaker gives an epoll that waits for an eventfd, by which it is woken.
func newWaker() (ep, wake int, err error) {
	if ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return -1, -1, err
	}
	if wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(ep)
		return -1, -1, err
	}
	if err = watch(ep, wake, true); err != nil {
		unix.Close(ep)
		unix.Close(wake)
		return -1, -1, err
	}
	return ep, wake, nil
}

func (r *runner) release() {
	unix.Close(r.ep)
	unix.Close(r.wakeFD)
}

// watch has an epoll wait, or no longer wait, for fd to be readable.
func watch(ep, fd int, on bool) error {
	if !on {
		return unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, fd, nil)
	}
	return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// serve is the goroutine.
func (r *runner) serve() {
	for r.take() {
		worked := false
		for i := 0; i < len(r.loops); {
			l := r.loops[i]
			switch to := l.owner.Load(); {
			case to != r:
				r.give(i, to)
			case !l.collect():
				r.remove(i)
				l.end()
			default:
				if n := epollPoll(l.ep, r.events); n > 0 {
					l.handle(r.events[:n], r.wakeFD)
					worked = true
				}
				i++
			}
		}
		if !worked {
			r.sleep()
		}
	}
	r.release()
}

// take begins serving the loops in the inbox; false when the runner is to end.
func (r *runner) take() bool {
	r.mu.Lock()
	inbox := r.inbox
	r.inbox = nil
	r.ended = r.quit && len(inbox) == 0 && len(r.loops) == 0
	ended := r.ended
	r.mu.Unlock()
	for _, l := range inbox {
		r.add(l)
	}
	return !ended
}

// add and remove keep this invariant: a loop's epoll waits for wakeFD of its
// runner, which may sleep on it; and ep waits for the epolls of the loops if
// there are several.
func (r *runner) add(l *loop) {
	r.loops = append(r.loops, l)
	l.try(watch(l.ep, r.wakeFD, true))
	switch n := len(r.loops); {
	case n == 2:
		l.try(watch(r.ep, r.loops[0].ep, true))
		fallthrough
	case n > 2:
		l.try(watch(r.ep, l.ep, true))
	}
}

func (r *runner) remove(i int) {
	l := r.loops[i]
	if len(r.loops) > 1 {
		l.try(watch(r.ep, l.ep, false))
	}
	r.loops = slices.Delete(r.loops, i, i+1)
	if len(r.loops) == 1 {
		l.try(watch(r.ep, r.loops[0].ep, false))
	}
	l.try(watch(l.ep, r.wakeFD, false))
}

// give hands loop i on, or keeps it, as the last of its loops, if the other
// runner has ended.
func (r *runner) give(i int, to *runner) {
	l := r.loops[i]
	r.remove(i)
	to.mu.Lock()
	ended := to.ended
	if !ended {
		to.inbox = append(to.inbox, l)
	}
	to.mu.Unlock()
	if ended {
		l.owner.Store(r)
		r.add(l)
		return
	}
	to.wake()
}

// sleep waits until there is something to do. A loop's awake goes off before
// its queue is looked at, as post looks at awake after it has added to the
// queue: so one of both sees the other.
func (r *runner) sleep() {
	r.awake.Store(false)
	for _, l := range r.loops {
		l.awake.Store(false)
	}
	n, one := 0, len(r.loops) == 1
	if !r.pending() {
		began := sinceStart()
		r.since.Store(began)
		ep := r.ep
		if one {
			ep = r.loops[0].ep
		}
		n, _ = unix.EpollWait(ep, r.events, -1)
		r.slept.Add(sinceStart() - began)
		r.since.Store(0)
	}
	r.awake.Store(true)
	for _, l := range r.loops {
		l.awake.Store(true)
	}
	if n <= 0 {
		return
	}
	if one {
		r.loops[0].handle(r.events[:n], r.wakeFD)
		return
	}
	for _, ev := range r.events[:n] {
		if int(ev.Fd) == r.wakeFD {
			drain(r.wakeFD)
		}
	}
}

func (r *runner) pending() bool {
	r.mu.Lock()
	pending := len(r.inbox) > 0 || r.quit && len(r.loops) == 0
	r.mu.Unlock()
	for _, l := range r.loops {
		pending = pending || l.owner.Load() != r || l.pending()
	}
	return pending
}

// wake has the runner look at its inbox, and at its loops' owners, soon.
func (r *runner) wake() {
	if r.awake.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended { // afterwards, the number may be another file's
		signal(r.wakeFD)
	}
}

// halt has the runner end once it has no loops.
func (r *runner) halt() {
	r.mu.Lock()
	r.quit = true
	r.mu.Unlock()
	r.wake()
}

// sleptUntil is for how long the runner has slept, ns, at a time by sinceStart.
func (r *runner) sleptUntil(now int64) int64 {
	slept := r.slept.Load()
	if since := r.since.Load(); since != 0 {
		slept += max(now-since, 0)
	}
	return slept
}

var started = time.Now()

// sinceStart is a clock that only runs forward, ns, never 0.
func sinceStart() int64 { return int64(time.Since(started)) + 1 }

func signal(fd int) { unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func drain(fd int) {
	var b [8]byte
	unix.Read(fd, b[:])
}

// crew is the loops of a server and the runners that serve them, as many as
// there are loops. If it adapts, a goroutine looks at the load ten times a
// second and has as many of them serve as that asks for: loop i is the i-th
// runner's modulo that number.
type crew struct {
	loops   []*loop
	runners []*runner
	active  atomic.Int64 // runners that serve
	traffic func() int64 // bytes received and sent since the start
	stop    chan struct{}
	judge   sync.WaitGroup // the goroutine that looks at the load
	wg      sync.WaitGroup // runners
}

// newCrew starts n loops. With adapt they begin with one runner.
func newCrew(srv *Server, n int, adapt bool) (*crew, error) {
	c := &crew{stop: make(chan struct{}), traffic: func() int64 { return srv.netIn.Load() + srv.netOut.Load() }}
	for range n {
		l, err := newLoop(srv)
		if err == nil {
			c.loops = append(c.loops, l)
			var r *runner
			if r, err = newRunner(); err == nil {
				c.runners = append(c.runners, r)
			}
		}
		if err != nil {
			for _, l := range c.loops {
				l.release()
			}
			for _, r := range c.runners {
				r.release()
			}
			return nil, err
		}
	}
	adapt = adapt && n > 1
	serving := n
	if adapt {
		serving = 1
	}
	c.assign(serving)
	for i, l := range c.loops {
		r := c.runners[i%serving]
		r.inbox = append(r.inbox, l)
	}
	for _, r := range c.runners {
		c.wg.Go(r.serve)
	}
	if adapt {
		c.judge.Go(c.adapt)
	}
	return c, nil
}

// assign gives the loops to the first n runners.
func (c *crew) assign(n int) {
	for i, l := range c.loops {
		l.owner.Store(c.runners[i%n])
	}
	for _, r := range c.runners {
		r.wake()
	}
	c.active.Store(int64(n))
}

// serving is how many runners serve.
func (c *crew) serving() int { return int(c.active.Load()) }

// adapt follows the load.
func (c *crew) adapt() {
	tick := time.NewTicker(spreadWindow)
	defer tick.Stop()
	p := spreading{most: len(c.runners), active: 1}
	m := newMeter(c.runners, c.traffic)
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			before := p.active
			if n := p.next(m.window(before)); n != before {
				c.assign(n)
			}
		}
	}
}

// halt ends all loops and runners, and waits for them.
func (c *crew) halt() {
	close(c.stop)
	c.judge.Wait()
	for _, l := range c.loops {
		l.halt()
	}
	for _, r := range c.runners {
		r.halt()
	}
	c.wg.Wait()
}
