package integration

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	shortCommands = 30_000
	soakCommands  = 120_000
	perSequence   = 250
	mostReports   = 6 // kinds of mismatches shown in one family
)

// TestDifferential sends the same commands to redis-server and to rldb and
// compares the replies byte for byte, except where differences_test.go says
// otherwise. One subtest a family of commands.
func TestDifferential(t *testing.T) {
	p := startPair(t, options{})
	families := allFamilies()
	shares := 0
	for _, f := range families {
		shares += f.share
	}
	total := commandsWanted(t)
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { p.play(t, f, max(perSequence, total*f.share/shares)) })
	}
	t.Run("arity", p.testArity)
	t.Run("unknown", p.testUnknown)
	t.Run("commandtable", p.testCommandTable)
	t.Run("protocol", p.testProtocol)
}

// TestDifferentialAuth is the same for two servers with a password.
func TestDifferentialAuth(t *testing.T) {
	const password = "pass word\x01"
	p := startPair(t, options{requirepass: password})
	p.auth = password
	p.testAuth(t)
}

// startPair starts redis-server and the subject with the same options.
func startPair(t *testing.T, o options) *pair {
	t.Helper()
	ref, sub := startReference(t, o), startSubject(t, o)
	return &pair{ref: ref.addr, sub: sub.addr, subject: sub, how: newComparisons(), limit: 15 * time.Second}
}

func commandsWanted(t *testing.T) int {
	n := int(envNumber(t, "RLDB_COMMANDS", shortCommands))
	if soak() {
		n = max(n, soakCommands)
	}
	return n
}

func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}

// play runs sequences of one family until enough commands are sent, and reports
// each kind of mismatch once.
func (p *pair) play(t *testing.T, f family, commands int) {
	seed := envNumber(t, "RLDB_SEED", 1)
	first := uint64(0)
	if os.Getenv("RLDB_SEQUENCE") != "" {
		first, commands = envNumber(t, "RLDB_SEQUENCE", 0), 1
	}
	length := f.length
	if length == 0 {
		length = perSequence
	}
	seen := map[string]bool{}
	sent := 0
	for sequence := first; sent < commands && len(seen) < mostReports; sequence++ {
		g := newGen(seed, sequence)
		units := f.sequence(g, length)
		sent += len(flatten(units))
		m, err := p.run(f, flatten(units), g.proto, seed)
		if err != nil {
			t.Fatalf("sequence %d: %v", sequence, err)
		}
		if m != nil && !seen[m.signature()] {
			seen[m.signature()] = true
			p.report(t, f, units, m, g.proto, seed, sequence)
		}
		if p.subject != nil && p.subject.exited() {
			t.Fatal("the subject is gone")
		}
	}
	t.Logf("%d commands", sent)
}

// playUnits runs units that were not generated from a seed, and reports the
// first mismatch of each command; a mismatch ends only the unit it is in.
func (p *pair) playUnits(t *testing.T, units []unit) {
	t.Helper()
	seen := map[string]bool{}
	for len(units) > 0 && len(seen) < mostReports {
		m, err := p.run(family{}, flatten(units), 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			return
		}
		failing := cutAfter(units, m.at)
		if !seen[m.signature()] {
			seen[m.signature()] = true
			p.report(t, family{}, failing[len(failing)-1:], m, 2, 1, 0)
		}
		units = units[len(failing):]
	}
}

// report shrinks a failing sequence and prints it.
func (p *pair) report(t *testing.T, f family, units []unit, m *mismatch, proto int, seed, sequence uint64) {
	t.Helper()
	short, best := p.shrink(f, units, m, proto, seed)
	var b strings.Builder
	fmt.Fprintf(&b, "RESP%d, seed %d, sequence %d, step %d\n", proto, seed, sequence, m.at)
	fmt.Fprintf(&b, "again: RLDB_SEED=%d RLDB_SEQUENCE=%d go test ./integration -run '%s'\n", seed, sequence, t.Name())
	steps := flatten(short)
	if skip := len(steps) - 40; skip > 0 {
		fmt.Fprintf(&b, "  … %d steps\n", skip)
		steps = steps[skip:]
	}
	for _, s := range steps {
		fmt.Fprintf(&b, "  %v\n", s)
	}
	fmt.Fprintf(&b, "%s\n  redis: %.1500q\n  rldb:  %.1500q", best.why, best.want.raw, best.got.raw)
	t.Error(b.String())
}
