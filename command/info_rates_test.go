package command

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRates walks through times of traffic and of none.
func TestRates(t *testing.T) {
	var r rates
	now := time.Unix(1000, 0)
	commands := int64(0)
	step := func(d time.Duration, n int64) {
		now = now.Add(d)
		r.note(moment{at: now, commands: commands, in: commands * 100})
		commands += n
	}
	rate := func() float64 {
		ops, in, _ := r.rate(moment{at: now, commands: commands, in: commands * 100})
		if diff := in - 100*ops; diff > 0.001 || diff < -0.001 {
			t.Errorf("%v commands, %v bytes", ops, in)
		}
		return ops
	}
	if got := rate(); got != 0 {
		t.Errorf("before anything: %v", got)
	}
	step(0, 160)
	if got := rate(); got != 100 {
		t.Errorf("160 commands in the first moment: %v, want 100 over the window", got)
	}
	for range 100 {
		step(100*time.Millisecond, 50)
	}
	now = now.Add(100 * time.Millisecond)
	if got := rate(); got < 499 || got > 501 {
		t.Errorf("50 commands each 100 ms: %v", got)
	}
	now = now.Add(800 * time.Millisecond)
	if got := rate(); got < 225 || got > 255 {
		t.Errorf("the same after 0.8 s without any: %v", got)
	}
	now = now.Add(time.Second)
	if got := rate(); got != 0 {
		t.Errorf("after the whole window without any: %v", got)
	}
	step(time.Hour, 16)
	if got := rate(); got != 10 {
		t.Errorf("16 commands after an hour without any: %v, want 10 over the window", got)
	}
	r.reset()
	if got := rate(); got != 0 {
		t.Errorf("after a reset: %v", got)
	}
}

// TestRatesAgainstTwin compares with a twin that remembers every command, for
// traffic without gaps.
func TestRatesAgainstTwin(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var r rates
		var times []time.Time
		now, due := time.Unix(1000, 0), time.Time{}
		for range 5000 {
			now = now.Add(time.Duration(rnd.Int64N(int64(2 * time.Millisecond))))
			if !now.Before(due) {
				r.note(moment{at: now, commands: int64(len(times))})
				due = now.Add(rateEvery)
			}
			times = append(times, now)
		}
		got, _, _ := r.rate(moment{at: now, commands: int64(len(times))})
		from := now.Add(-rateWindow)
		first := slices.IndexFunc(times, func(t time.Time) bool { return t.After(from) })
		want := float64(len(times)-first) / rateWindow.Seconds()
		if got < want*0.95 || got > want*1.05 {
			t.Errorf("seed %d: %v commands a second, want about %v", seed, got, want)
		}
	}
}

// TestObserve: figures are taken from time to time, whoever ends a batch.
func TestObserve(t *testing.T) {
	n := startAdminNode(t)
	c := n.dial(2)
	for i := range 100 {
		c.do("set", fmt.Sprint("key", i), strings.Repeat("v", 1000))
	}
	a := &n.srv.admin
	at := time.Now().Add(time.Hour)
	a.observe(n.srv, at)
	if peak := a.rates.peak.Load(); peak < 100_000 {
		t.Errorf("the peak is %d bytes", peak)
	}
	taken := a.rates.taken
	a.observe(n.srv, at.Add(rateEvery-1))
	if a.rates.taken != taken {
		t.Error("looked again too soon")
	}
	a.observe(n.srv, at.Add(rateEvery))
	if a.rates.taken != taken+1 {
		t.Error("did not look again")
	}
}

func TestHistogramUpTo(t *testing.T) {
	var h histogram
	var all []time.Duration
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := time.Duration(rnd.Int64N(1 << rnd.IntN(38)))
		all = append(all, d)
		h.add(d)
	}
	for exp := range 38 {
		bound := time.Duration(1<<exp - 1)
		if exp < 3 {
			continue // below 8 ns each value has its bucket
		}
		want := int64(0)
		for _, d := range all {
			if d <= bound {
				want++
			}
		}
		if got := h.upTo(bound); got != want {
			t.Errorf("%d are at most %d ns, want %d", got, bound, want)
		}
	}
}
