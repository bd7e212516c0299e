package enginetest

import (
	"testing"

	"github.com/rldb/rldb/engine"
)

// Open opens the engine that keeps its files in dir: a new one, or again the one
// that was closed there. The suite closes it.
type Open func(t *testing.T, dir string) engine.Engine

// Caps says what an engine promises beyond the interface.
type Caps struct {
	// Durable: what was written is there when the engine is opened again.
	Durable bool

	// Crash, if set, ends an engine as a kill -9 would, whatever else is
	// running: opened again it holds all that Await has reported as durable.
	Crash func(t *testing.T, e engine.Engine)
}

// Run tests an engine, each test with an engine of its own.
func Run(t *testing.T, open func(t *testing.T, dir string) engine.Engine, caps Caps) {
	tests := []struct {
		name string
		test func(*testing.T, Open)
		when bool
	}{
		{"Random", testRandom, true},
		{"Modes", testModes, true},
		{"Empty", testEmpty, true},
		{"Sizes", testSizes, true},
		{"BodyAliasesOldValue", testBodyAliasesOldValue, true},
		{"TooLarge", testTooLarge, true},
		{"CollidingHashes", testCollidingHashes, true},
		{"ScanResumes", testScanResumes, true},
		{"Drop", testDrop, true},
		{"Started", testStarted, true},
		{"Closed", testClosed, true},
		{"Counters", testCounters, true},
		{"Transfers", testTransfers, true},
		{"ScanWhileGrowing", testScanWhileGrowing, true},
		{"DropWhileWriting", testDropWhileWriting, true},
		{"Reopen", testReopen, caps.Durable},
		{"Crash", crashTest(caps.Crash), caps.Crash != nil},
	}
	for _, test := range tests {
		if test.when {
			t.Run(test.name, func(t *testing.T) { test.test(t, open) })
		}
	}
}

// opened gives an engine in a new directory that is closed when the test ends.
func opened(t *testing.T, open Open) engine.Engine {
	t.Helper()
	e := open(t, t.TempDir())
	t.Cleanup(func() { closeEngine(t, e) })
	return e
}

func closeEngine(t *testing.T, e engine.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
