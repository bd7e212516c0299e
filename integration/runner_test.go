package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// pair is redis-server and the subject, side by side.
type pair struct {
	ref, sub string   // addresses
	subject  *process // nil in the tests of the test
	auth     string   // the password of both, if they have one
	how      comparisons
	limit    time.Duration // of one reply; 0: replyLimit

	disappointed bool // see patience
}

// mismatch is where the two went apart.
type mismatch struct {
	at        int // index of the step
	step      step
	want, got frame
	why       string
}

// same tells whether two mismatches are of the same kind, for the shrinker and
// for reporting each kind once.
func (m *mismatch) signature() string {
	name := "state"
	if len(m.step.args) > 0 {
		name = m.step.args[0]
	}
	return fmt.Sprintf("%s %.30q %.30q", name, m.want.raw, m.got.raw)
}

// open connects twice to a server, in the wanted protocol.
func (p *pair) open(addr string, proto int) (client, error) {
	var cl client
	for i := range cl {
		c, err := dial(addr)
		if err != nil {
			cl.close()
			return cl, err
		}
		cl[i] = c
		if p.limit != 0 {
			c.limit = p.limit
		}
		var setup [][]string
		if p.auth != "" {
			setup = append(setup, []string{"AUTH", p.auth})
		}
		if proto == 3 {
			setup = append(setup, []string{"HELLO", "3"})
		}
		if i == 0 {
			setup = append(setup, []string{"FLUSHALL"})
		}
		for _, args := range setup {
			f, err := c.do(args...)
			if err == nil && f.isError() {
				err = fmt.Errorf("%q: %q", args, f.raw)
			}
			if err != nil {
				cl.close()
				return cl, err
			}
		}
	}
	return cl, nil
}

func (cl client) close() {
	for _, c := range cl {
		if c != nil {
			c.Close()
		}
	}
}

// run plays steps at both servers from an empty database, in batches of 1 to 50
// that the seed fixes, and returns the first mismatch. An error means that the
// test itself could not go on.
func (p *pair) run(f family, steps []step, proto int, seed uint64) (*mismatch, error) {
	ref, err := p.open(p.ref, proto)
	if err != nil {
		return nil, fmt.Errorf("redis-server: %w", err)
	}
	defer ref.close()
	sub, err := p.open(p.sub, proto)
	if err != nil {
		return &mismatch{why: "cannot connect: " + err.Error()}, nil
	}
	defer sub.close()
	sizes := rand.New(rand.NewPCG(seed, 0xba7c4))
	for from := 0; from < len(steps); {
		size := 1 + sizes.IntN(50)
		if sizes.IntN(3) == 0 {
			size = 1
		}
		to := batchEnd(steps, from, size)
		m, err := p.batch(f, ref, sub, steps[from:to])
		if m != nil {
			m.at += from
		}
		if m != nil || err != nil {
			return m, err
		}
		from = to
	}
	if why := compareState(ref, sub, f.exact); why != "" {
		return &mismatch{at: len(steps), why: "after the last step, the data differ: " + why}, nil
	}
	return nil, nil
}

// batchEnd is the end of a batch: at most size steps, all on one connection and
// none of them a check, or one check alone.
func batchEnd(steps []step, from, size int) int {
	to := from + 1
	for to < len(steps) && to-from < size && steps[from].check == nil &&
		steps[to].check == nil && steps[to].on == steps[from].on {
		to++
	}
	return to
}

// batch sends steps to both servers and compares the replies.
func (p *pair) batch(f family, ref, sub client, steps []step) (*mismatch, error) {
	first := steps[0]
	if first.check != nil {
		if why := first.check(ref, sub); why != "" {
			return &mismatch{step: first, why: why}, nil
		}
		return nil, nil
	}
	var request []byte
	for _, s := range steps {
		request = s.bytes(request)
	}
	type answer struct {
		frames []frame
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		frames, err := sub[first.on].exchange(request, len(steps))
		got <- answer{frames, err}
	}()
	wants, err := ref[first.on].exchange(request, len(steps))
	a := <-got
	if err != nil {
		return nil, fmt.Errorf("redis-server, from %v: %w", first, err)
	}
	for i, got := range a.frames {
		if why := p.compare(f, steps[i], wants[i], got); why != "" {
			return &mismatch{at: i, step: steps[i], want: wants[i], got: got, why: why}, nil
		}
	}
	if a.err != nil {
		i := len(a.frames)
		return &mismatch{at: i, step: steps[i], want: wants[i], why: a.err.Error()}, nil
	}
	return nil, nil
}

// compare finds the step's comparison and applies it.
func (p *pair) compare(f family, s step, want, got frame) string {
	how := s.how
	if how == nil {
		how = p.how.of(s.args)
		if f.exact && strings.HasSuffix(strings.ToUpper(s.args[0]), "EXPIRETIME") {
			how = sameBytes
		}
	}
	return how(want, got)
}
