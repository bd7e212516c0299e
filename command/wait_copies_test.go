package command

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// fakeWrite is a last write whose copies the test counts.
type fakeWrite struct {
	mu     sync.Mutex // guards what follows
	others int
	ended  bool
	waits  map[int]func()
	need   map[int]int
	next   int
}

func (w *fakeWrite) Copies() (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.others, w.ended
}

func (w *fakeWrite) Notify(n int, f func()) (cancel func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.others >= n || w.ended {
		go f()
		return func() {}
	}
	if w.waits == nil {
		w.waits, w.need = map[int]func(){}, map[int]int{}
	}
	id := w.next
	w.next++
	w.waits[id], w.need[id] = f, n
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waits, id)
	}
}

// are sets how many hold it.
func (w *fakeWrite) are(others int, ended bool) {
	w.mu.Lock()
	w.others, w.ended = others, ended
	var tell []func()
	for id, f := range w.waits {
		if others >= w.need[id] || ended {
			tell = append(tell, f)
			delete(w.waits, id)
		}
	}
	w.mu.Unlock()
	for _, f := range tell {
		f()
	}
}

func (w *fakeWrite) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waits)
}

func TestWaitForCopies(t *testing.T) {
	write := new(fakeWrite)
	n, _, _ := startCopies(t, func(s *Server) { s.following = func(*client) followed { return write } })
	p := n.dial()
	write.are(1, false)
	p.play([]exchange{
		{"WAIT 0 0", ":1\r\n"}, {"WAIT -1 0", ":1\r\n"}, {"WAIT 1 0", ":1\r\n"}, {"WAIT 2 20", ":1\r\n"},
		{"MULTI", "+OK\r\n"}, {"WAIT 5 0", "+QUEUED\r\n"}, {"EXEC", "*1\r\n:1\r\n"},
		{"WAIT x 0", "-" + errNotInt + "\r\n"}, {"WAIT 1 -1", "-ERR timeout is negative\r\n"},
	})
	for _, timeout := range []int{0, 1_000_000} {
		write.are(1, false)
		p.send(fmt.Sprint("WAIT 2 ", timeout), "PING")
		eventually(t, "it waits", func() bool { return write.waiting() == 1 })
		write.are(2, false)
		p.want(":2\r\n", "+PONG\r\n")
		p.send(fmt.Sprint("WAIT 9223372036854775807 ", timeout))
		eventually(t, "it waits", func() bool { return write.waiting() == 1 })
		write.are(2, true) // no more will come
		p.want(":2\r\n")
		p.play([]exchange{{"WAIT 3 0", ":2\r\n"}})
	}
	write.are(1, false)
	for how, want := range map[string]string{"TIMEOUT": ":1\r\n", "ERROR": "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"} {
		id := p.number()
		p.send("WAIT 2 0")
		eventually(t, "it waits", func() bool { return write.waiting() == 1 })
		n.dial().do("CLIENT UNBLOCK " + id + " " + how)
		p.want(want)
		if write.waiting() != 0 {
			t.Error("who waits no more is still to be told")
		}
	}
	p.send("WAIT 2 0")
	eventually(t, "it waits", func() bool { return write.waiting() == 1 })
	p.Close()
	eventually(t, "nobody waits", func() bool { return write.waiting() == 0 })
}

// TestWaitHavingWrittenNothing: there is nothing that could be waited for.
func TestWaitHavingWrittenNothing(t *testing.T) {
	n, _, _ := startCopies(t)
	begun := time.Now()
	n.dial().play([]exchange{{"GET k", "$-1\r\n"}, {"WAIT 1 1000000", ":0\r\n"}})
	if took := time.Since(begun); took > 5*time.Minute {
		t.Errorf("WAIT took %v", took)
	}
}
