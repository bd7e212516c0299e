package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// client is what one sequence has at one server: two connections.
type client [2]*conn

// A step is one command, sent to both servers.
type step struct {
	on    int      // which of the two connections
	args  []string // the command
	raw   []byte   // sent as it stands instead of args, for inline commands
	how   compare  // nil: what differences_test.go says
	check check    // runs alone instead of sending args, which only name it
}

// A check does something with both servers that is not one command with one
// reply, and says what differs.
type check func(ref, sub client) string

// A unit is a list of steps that belong together: the shrinker drops all or
// none of them.
type unit []step

func (s step) String() string {
	text := fmt.Sprintf("%.800s", fmt.Sprintf("%.300q", s.args))
	switch {
	case s.raw != nil:
		text = fmt.Sprintf("raw %.300q", s.raw)
	case s.check != nil:
		text = "check " + strings.Join(s.args, " ")
	}
	return fmt.Sprintf("conn %d: %s", s.on, text)
}

// bytes are what is sent.
func (s step) bytes(b []byte) []byte {
	if s.raw != nil {
		return append(b, s.raw...)
	}
	return appendCommand(b, s.args...)
}

// cmd is a command on the first connection.
func cmd(args ...string) step { return step{args: args} }

// one is a unit of one command.
func one(args ...string) unit { return unit{cmd(args...)} }

// gen makes sequences: a source of numbers that the seed fixes, and a counter
// for what must never come twice.
type gen struct {
	*rand.Rand
	serial int
	proto  int // 2 or 3
}

func newGen(seed, sequence uint64) *gen {
	return &gen{Rand: rand.New(rand.NewPCG(seed, sequence)), proto: 2 + int(sequence%2)}
}

// in is true once in n times.
func (g *gen) in(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

// A choice is one way to go on, taken in proportion to its weight.
type choice struct {
	weight int
	make   func(*gen) unit
}

func choose(g *gen, from []choice) unit {
	sum := 0
	for _, c := range from {
		sum += c.weight
	}
	n := g.IntN(sum)
	for _, c := range from {
		if n -= c.weight; n < 0 {
			return c.make(g)
		}
	}
	panic("unreachable")
}

// A family makes commands of one kind.
type family struct {
	name    string
	share   int // of the commands, in proportion to the others' shares
	choices []choice
	length  int  // commands in a sequence; 0: 250
	exact   bool // sets no expiries relative to now, so that EXPIRETIME is compared exactly
	setup   []unit
	after   []unit
}

// sequence makes one sequence.
func (f family) sequence(g *gen, commands int) []unit {
	units := append([]unit(nil), f.setup...)
	for n := 0; n < commands; {
		u := choose(g, f.choices)
		if len(u) == 1 && u[0].check == nil && u[0].raw == nil && g.in(40) {
			u = unit{mangle(g, u[0])}
		}
		units = append(units, u)
		n += len(u)
	}
	return append(units, f.after...)
}

// mangle changes the case of words, drops the last argument or adds one. It
// leaves the key alone and never touches commands that would then wait or reach
// far.
func mangle(g *gen, s step) step {
	args := append([]string(nil), s.args...)
	switch g.IntN(4) {
	case 0:
		args[0] = randomCase(g, args[0])
	case 1:
		if len(args) > 1 {
			args = args[:len(args)-1]
		}
	case 2:
		args = append(args, pick(g, "", "x", "1", "NX", "GET", "LEN", "BIT", "\x00"))
	case 3:
		i := g.IntN(len(args))
		if isWord(args[i]) {
			args[i] = randomCase(g, args[i])
		}
	}
	s.args = args
	return s
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func randomCase(g *gen, s string) string {
	b := []byte(s)
	for i := range b {
		if g.in(2) && b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
