package integration

import (
	"fmt"
	"testing"
	"time"
)

const (
	pollEvery    = 10 * time.Millisecond
	startLimit   = 60 * time.Second // a binary with the race detector on a busy machine
	stopLimit    = 20 * time.Second
	replyLimit   = 30 * time.Second // the longest that a reply may take
	connectLimit = 10 * time.Second
)

// waitUntil polls until done returns nil, and gives back its last error when the
// limit is over.
func waitUntil(limit time.Duration, done func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for {
		err := done()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
		<-tick.C
	}
}

// eventually fails the test when done has not returned nil within the limit.
func eventually(t testing.TB, limit time.Duration, what string, done func() error) {
	t.Helper()
	if err := waitUntil(limit, done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
