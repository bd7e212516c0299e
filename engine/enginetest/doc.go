// Package enginetest is the suite of tests that every storage engine passes.
// An engine opts in with one call of [Run] from its own tests.
//
// It owns what the engine interface promises, written as tests against a plain
// map (the twin), and helpers that carry a transaction or scan to its end
// whether or not the engine does it at once. It must not know how any engine
// works, nor the time: a test waits for what it needs, never for a while.
//
// Invariant: what is tested here holds for all engines alike; where engines
// differ, [Caps] says so, and what does not apply is left out, not skipped.
package enginetest
