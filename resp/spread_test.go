package resp

import "testing"

func TestSpreading(t *testing.T) {
	busy := usage{busiest: 1, cpu: 1, idle: 1}
	tests := map[string]struct {
		most    int
		windows []usage
		want    []int
	}{
		"idle":               {4, []usage{{}, {}, {}}, []int{1, 1, 1}},
		"busy, cores spare":  {4, []usage{busy, {1, 2, 0.5}, {1, 3, 0.2}}, []int{2, 3, 4}},
		"no more than all":   {2, []usage{busy, {1, 2, 1}, {1, 2, 1}}, []int{2, 2, 2}},
		"busy, none spare":   {4, []usage{{1, 1, 0}, {1, 1, 0.1}}, []int{1, 1}},
		"not saturated":      {4, []usage{{0.9, 0.9, 3}}, []int{1}},
		"calm for a while":   {2, []usage{busy, {0.5, 1, 1}, {0.5, 1, 1}, {0.5, 1, 1}, {0.5, 1, 1}, {0.5, 1, 1}}, []int{2, 2, 2, 2, 2, 1}},
		"calm is not enough": {2, []usage{busy, {0.5, 1, 1}, {0.9, 1.5, 1}, {0.5, 1, 1}, {0.5, 1, 1}, {0.5, 1, 1}}, []int{2, 2, 2, 2, 2, 2}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := spreading{most: tc.most, active: 1}
			for i, u := range tc.windows {
				if got := p.next(u); got != tc.want[i] {
					t.Fatalf("after window %d: %d runners, want %d", i, got, tc.want[i])
				}
			}
		})
	}
}

// A runner that does not help is tried again after longer and longer times.
func TestSpreadingHoldsBack(t *testing.T) {
	p := spreading{most: 2, active: 1}
	var gaps []int
	gap := 0
	for range 3000 {
		u := usage{busiest: 1, cpu: 1, idle: 1} // one client: a second runner has nothing to do
		before := p.active
		if p.next(u); p.active > before {
			gaps = append(gaps, gap)
			gap = 0
		}
		gap++
	}
	want := []int{0, 15, 25, 45, 85, 165, 325, 605, 605, 605}
	if len(gaps) < len(want) {
		t.Fatalf("tried after %v windows, want %v and more", gaps, want)
	}
	for i := range want {
		if gaps[i] != want[i] {
			t.Fatalf("tried after %v windows, want %v", gaps, want)
		}
	}
}
