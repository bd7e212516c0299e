package peer

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Calls against a twin that keeps a plain list of who waits: each ends once, with
// what ended it, and no more begin than may.
func TestCallsAgainstATwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 5
		began := time.Unix(1000, 0)
		c, now := newCalls(most, newOutbox(1<<20)), began
		type twin struct {
			id       uint64
			deadline time.Time
		}
		var waiting []twin
		ended := map[int]error{} // by number: how
		numbers := map[uint64]int{}
		want := map[int]error{}
		next, shut := 0, false
		finish := func(i int, err error) {
			want[numbers[waiting[i].id]] = err
			waiting = slices.Delete(waiting, i, i+1)
		}
		reason := errors.New("down")
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0, 1, 2, 3:
				number := next
				next++
				id, err := c.begin(now.Add(time.Second), func(_ []byte, err error) {
					if _, twice := ended[number]; twice {
						t.Fatalf("call %d ended twice", number)
					}
					ended[number] = err
				})
				switch {
				case shut && err != reason || !shut && len(waiting) == most && err != ErrFull:
					t.Fatalf("begin: %v with %d waiting", err, len(waiting))
				case err == nil:
					numbers[id] = number
					waiting = append(waiting, twin{id, now.Add(time.Second)})
				}
			case 4, 5:
				if len(waiting) > 0 {
					i := rapid.IntRange(0, len(waiting)-1).Draw(t, "which")
					id := waiting[i].id
					finish(i, nil)
					c.end(id, nil, nil)
					c.end(id, nil, ErrClosed) // a second answer is nobody's
				}
			case 6:
				now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
				for len(waiting) > 0 && !now.Before(waiting[0].deadline) {
					finish(0, ErrTimeout)
				}
				before := c.waiting()
				if n := c.expire(now); n != before-len(waiting) {
					t.Fatalf("%d calls ran out of time, want %d", n, before-len(waiting))
				}
			case 7:
				shut = !shut
				if shut {
					c.shut(reason)
					for len(waiting) > 0 {
						finish(0, reason)
					}
					c.fail(reason)
				} else {
					c.shut(nil)
				}
			}
			if c.waiting() != len(waiting) || len(c.slots) > most {
				t.Fatalf("%d calls wait, in %d places, the twin has %d", c.waiting(), len(c.slots), len(waiting))
			}
		}
		for number, err := range want {
			if got, over := ended[number]; !over || got != err {
				t.Fatalf("call %d ended with %v, %v; want %v", number, got, over, err)
			}
		}
		if len(ended) != len(want) {
			t.Fatalf("%d calls ended, want %d", len(ended), len(want))
		}
	})
}
