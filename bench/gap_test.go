package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

const ms = time.Millisecond

func TestLongest(t *testing.T) {
	for name, c := range map[string]struct {
		times    []time.Duration
		from, to time.Duration
		want     time.Duration
	}{
		"nothing at all":         {nil, 10 * ms, 50 * ms, 40 * ms},
		"at the beginning":       {[]time.Duration{40 * ms, 45 * ms}, 10 * ms, 50 * ms, 30 * ms},
		"in the middle":          {[]time.Duration{11 * ms, 31 * ms, 49 * ms}, 10 * ms, 50 * ms, 20 * ms},
		"at the end":             {[]time.Duration{11 * ms, 12 * ms}, 10 * ms, 50 * ms, 38 * ms},
		"what lies before":       {[]time.Duration{1 * ms, 9 * ms, 30 * ms}, 10 * ms, 50 * ms, 20 * ms},
		"what lies behind":       {[]time.Duration{30 * ms, 60 * ms}, 10 * ms, 50 * ms, 20 * ms},
		"only before and behind": {[]time.Duration{1 * ms, 60 * ms}, 10 * ms, 50 * ms, 40 * ms},
	} {
		if got := longest(c.times, c.from, c.to); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestGapsOf(t *testing.T) {
	writers := [][]ack{
		{{at: 5 * ms}, {at: 20 * ms, hurt: true}, {at: 90 * ms}},
		{{at: 15 * ms}, {at: 50 * ms}, {at: 60 * ms, hurt: true}, {at: 95 * ms, hurt: true}},
	}
	want := gaps{hurt: 40 * ms, writer: 70 * ms, all: 30 * ms}
	if got := gapsOf(writers, 10*ms, 100*ms); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := gapsOf(make([][]ack, 8), 10*ms, 100*ms); got != (gaps{90 * ms, 90 * ms, 90 * ms}) {
		t.Errorf("without any writes: %+v", got)
	}
}

// TestGapsOfTwin holds the gaps against a count of every millisecond.
func TestGapsOfTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		writers := make([][]ack, 1+random.IntN(3))
		for i := range writers {
			for at := 1 + random.IntN(40); at < 100; at += 1 + random.IntN(40) {
				writers[i] = append(writers[i], ack{at: time.Duration(at) * ms, hurt: random.IntN(2) == 0})
			}
		}
		// quiet is the longest run between two of the milliseconds that count.
		quiet := func(counts func(w int, a ack) bool) time.Duration {
			most, run := 0, 0
			for at := 11; at <= 90; at++ {
				run++
				most = max(most, run)
				for w, acks := range writers {
					if slices.ContainsFunc(acks, func(a ack) bool { return a.at == time.Duration(at)*ms && counts(w, a) }) {
						run = 0
					}
				}
			}
			return time.Duration(most) * ms
		}
		want := gaps{
			hurt: quiet(func(_ int, a ack) bool { return a.hurt }),
			all:  quiet(func(int, ack) bool { return true }),
		}
		for i := range writers {
			want.writer = max(want.writer, quiet(func(w int, _ ack) bool { return w == i }))
		}
		if got := gapsOf(writers, 10*ms, 90*ms); got != want {
			t.Fatalf("%v: %+v, want %+v", writers, got, want)
		}
	}
}

func TestCalm(t *testing.T) {
	second := time.Second
	for name, c := range map[string]struct {
		last       []time.Duration
		after, now time.Duration
		want       bool
	}{
		"all lately":        {[]time.Duration{5 * second, 6 * second}, 4 * second, 6 * second, true},
		"one long ago":      {[]time.Duration{5 * second, 7 * second}, 4 * second, 7 * second, false},
		"one before it":     {[]time.Duration{4 * second, 5 * second}, 4 * second, 5 * second, false},
		"one never":         {[]time.Duration{0, 5 * second}, 4 * second, 5 * second, false},
		"one never, so far": {[]time.Duration{0}, 0, 1, false},
	} {
		if got := calm(c.last, c.after, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGapTargets(t *testing.T) {
	all := gapSettings()
	defaults, short := all[0], all[1]
	for _, c := range []struct {
		fault    fault
		settings clientSettings
		figure   string
		first    bool
		want     target
	}{
		{faultKill, defaults, gapHurt, true, target{ratioAtMost, 0.1}},
		{faultKill, defaults, gapHurt, false, target{ownNeverAbove, 1}},
		{faultKill, short, gapHurt, true, target{}},
		{faultPause, defaults, gapHurt, true, target{}},
		{faultPause, short, gapHurt, true, target{ownNeverAbove, 3}},
		{faultPause, short, gapLost, false, target{ownNeverAbove, 0}},
		{faultKill, defaults, gapLost, true, target{ownNeverAbove, 0}},
		{faultKill, defaults, gapAll, true, target{}},
	} {
		if got := gapTarget(c.fault, c.settings, c.figure, c.first); got != c.want {
			t.Errorf("%s, %s, %s: %v, want %v", c.fault, c.settings.name, c.figure, got, c.want)
		}
	}
}

// shelf is a node that keeps what is set, but nothing it is asked to refuse.
type shelf struct {
	mu      sync.Mutex // guards what follows
	kept    map[string]string
	refused func(key string) bool
}

func (s *shelf) answer(args []string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch strings.ToUpper(args[0]) {
	case "SET":
		if s.refused != nil && s.refused(args[1]) {
			return "-ERR refused\r\n"
		}
		s.kept[args[1]] = args[2]
		return "+OK\r\n"
	case "GET":
		if v, ok := s.kept[args[1]]; ok {
			return "$" + strconv.Itoa(len(v)) + "\r\n" + v + "\r\n"
		}
		return "$-1\r\n"
	}
	return "-ERR unknown command\r\n"
}

// newShelf is a shelf on the network that serves all slots.
func newShelf(t *testing.T, s *shelf) *fakeNode {
	s.kept = map[string]string{}
	var n *fakeNode
	ready := make(chan struct{})
	n = newFakeNode(t, func(args []string) string {
		<-ready
		if strings.EqualFold(args[0], "CLUSTER") {
			return slotsReply(slots, n.addr)
		}
		return s.answer(args)
	})
	close(ready)
	return n
}

func TestWriters(t *testing.T) {
	logging.Disable()
	s := &shelf{refused: func(key string) bool { return strings.HasSuffix(key, "7") }}
	n := newShelf(t, s)
	var hurt [slots]bool
	for i := range hurt {
		hurt[i] = i%2 == 0
	}
	w := startWriters(context.Background(), []string{n.addr}, gapSettings()[0], &hurt, 64, ms)
	well, err := w.waitCalm(context.Background(), time.Minute)
	w.end()
	if err != nil || !well {
		t.Fatalf("the writers cannot write: %v, %v", err, w.firstError())
	}
	acked := 0
	for writer, acks := range w.acks {
		for i, a := range acks {
			key := gapKey(writer, a.n)
			if s.kept[key] == "" || strings.HasSuffix(key, "7") || a.hurt != (slotOf([]byte(key))%2 == 0) || i > 0 && a.at <= acks[i-1].at {
				t.Fatalf("%s is %+v", key, a)
			}
			acked++
		}
	}
	if acked != len(s.kept) || w.fails.Load() == 0 {
		t.Errorf("%d writes are acknowledged, %d kept, %d failed", acked, len(s.kept), w.fails.Load())
	}
	if lost, err := w.lost(context.Background(), []string{n.addr}); lost != 0 || err != nil {
		t.Errorf("%d are lost, %v", lost, err)
	}
	delete(s.kept, gapKey(0, w.acks[0][0].n))
	delete(s.kept, gapKey(5, w.acks[5][1].n))
	s.kept[gapKey(1, w.acks[1][0].n)] = "another"
	if lost, err := w.lost(context.Background(), []string{n.addr}); lost != 3 || err != nil {
		t.Errorf("%d are lost, %v, want 3", lost, err)
	}
}

func TestWritersThatCannotWrite(t *testing.T) {
	logging.Disable()
	n := newShelf(t, &shelf{refused: func(string) bool { return true }})
	w := startWriters(context.Background(), []string{n.addr}, gapSettings()[1], new([slots]bool), 64, ms)
	defer w.end()
	if well, err := w.waitCalm(context.Background(), 100*ms); well || err != nil {
		t.Errorf("all is well, %v", err)
	}
	for end := time.Now().Add(time.Minute); w.firstError() == nil && time.Now().Before(end); {
		<-time.After(ms)
	}
	if err := w.firstError(); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the first error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.waitCalm(ctx, time.Hour); err == nil {
		t.Error("waiting does not end with its context")
	}
}
