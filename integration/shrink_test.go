package integration

import "time"

// shrinkLimit bounds the time spent on one mismatch.
const shrinkLimit = 8 * time.Second

// flatten lists the steps of units.
func flatten(units []unit) []step {
	var steps []step
	for _, u := range units {
		steps = append(steps, u...)
	}
	return steps
}

// shrink looks for fewer units that end in a mismatch of the same command, by
// leaving out ever smaller parts. It returns the shortest that it found in time
// with its mismatch; the units it was given, if they do not fail again.
func (p *pair) shrink(f family, units []unit, m *mismatch, proto int, seed uint64) ([]unit, *mismatch) {
	deadline := time.Now().Add(shrinkLimit)
	units = cutAfter(units, m.at)
	fails := func(try []unit) *mismatch {
		again, err := p.run(f, flatten(try), proto, seed)
		if err != nil || again == nil || again.step.String() != m.step.String() {
			return nil
		}
		return again
	}
	best := m
	for part := len(units) / 2; part >= 1; {
		smaller := false
		for from := 0; from < len(units) && time.Now().Before(deadline); {
			to := min(from+part, len(units))
			try := append(append([]unit(nil), units[:from]...), units[to:]...)
			if again := fails(try); again != nil {
				units, best, smaller = cutAfter(try, again.at), again, true
			} else {
				from = to
			}
		}
		if !smaller || part > len(units) {
			part /= 2
		}
		if time.Now().After(deadline) {
			break
		}
	}
	return units, best
}

// cutAfter drops the units behind the one that holds step number at.
func cutAfter(units []unit, at int) []unit {
	n := 0
	for i, u := range units {
		if n += len(u); n > at {
			return append([]unit(nil), units[:i+1]...)
		}
	}
	return append([]unit(nil), units...)
}
