package resp

import (
	"slices"
	"testing"
)

// plays a load for some windows: what is done depends on how many runners serve.
func play(p *spreading, windows int, load func(active int) usage) (runners []int) {
	for range windows {
		runners = append(runners, p.next(load(p.active)))
	}
	return runners
}

// A load that saturates any number of runners, with cores to spare: n of them do
// as much as work says.
func saturating(work ...float64) func(int) usage {
	return func(active int) usage {
		return usage{busiest: 1, cpu: float64(active), idle: 1, work: work[active-1]}
	}
}

func TestSpreading(t *testing.T) {
	full := func(u usage) func(int) usage { return func(int) usage { return u } }
	tests := map[string]struct {
		load func(active int) usage
		most int // runners that served at any time
		last int // runners at the end
	}{
		"idle":             {full(usage{}), 1, 1},
		"helps":            {saturating(1, 1.5, 2, 2.5), 4, 4},
		"helps up to two":  {saturating(1, 1.5, 1.5, 1.5), 3, 2},
		"does not help":    {saturating(1, 1.04, 1, 1), 2, 1},
		"does harm":        {saturating(1, 0.8, 0.8, 0.8), 2, 1},
		"no core to spare": {full(usage{busiest: 1, cpu: 1, idle: 0.3, work: 1}), 1, 1},
		"not saturated":    {full(usage{busiest: 0.9, cpu: 0.9, idle: 3, work: 1}), 1, 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := spreading{most: 4, active: 1}
			n := play(&p, 40, tc.load)
			// Long holds are what keeps a useless one away: look behind a trial.
			for p.trial > 0 {
				n = append(n, play(&p, 1, tc.load)...)
			}
			if got := slices.Max(n); got != tc.most {
				t.Errorf("up to %d runners served, want %d: %v", got, tc.most, n)
			}
			if got := n[len(n)-1]; got != tc.last {
				t.Errorf("%d runners serve in the end, want %d: %v", got, tc.last, n)
			}
		})
	}
}

// When there is less to do, fewer serve; when it is back, so are they, at once.
func TestSpreadingFollowsTheLoad(t *testing.T) {
	p := spreading{most: 2, active: 1}
	busy := saturating(1, 1.5)
	if n := play(&p, 20, busy); n[19] != 2 {
		t.Fatalf("under load: %v", n)
	}
	quiet := func(int) usage { return usage{busiest: 0.5, cpu: 0.9, work: 0.5} }
	if n := play(&p, calmWindows, quiet); n[calmWindows-2] != 2 || n[calmWindows-1] != 1 {
		t.Fatalf("with little to do: %v", n)
	}
	if n := play(&p, 2*trialWindows, busy); n[len(n)-1] != 2 {
		t.Fatalf("under load again: %v", n)
	}
	if n := play(&p, 100, func(i int) usage { u := quiet(i); u.cpu = 1.3; return u }); n[99] != 2 {
		t.Fatalf("with enough to do for two: %v", n)
	}
}

// A runner that does not help is tried again after longer and longer times.
func TestSpreadingHoldsBack(t *testing.T) {
	p := spreading{most: 2, active: 1}
	var gaps []int
	gap := 0
	for range 3000 {
		before := p.active
		if play(&p, 1, saturating(1, 1)); p.active > before {
			gaps = append(gaps, gap)
			gap = 0
		}
		gap++
	}
	want := []int{3, 55, 105, 205, 405, 605, 605, 605}
	if len(gaps) < len(want) || !slices.Equal(gaps[:len(want)], want) {
		t.Fatalf("tried after %v windows, want %v", gaps, want)
	}
}
