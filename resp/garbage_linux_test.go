//go:build linux && !race

package resp

import (
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Rounds of many clients must not make garbage: when they did, the collector
// ran 90 times a second.
func TestRoundsMakeNoGarbage(t *testing.T) {
	_, srv := newToyWith(t, Options{Limits: DefaultLimits(), Loops: 1})
	dial := dialer(t, srv, "tcp")
	batch := strings.Repeat("*2\r\n$4\r\necho\r\n$1\r\nx\r\n", 16)
	want := strings.Repeat("$1\r\nx\r\n", 16)
	const clients, rounds = 60, 40
	run := func(rounds int) {
		var wg sync.WaitGroup
		for range clients {
			nc := dial()
			wg.Go(func() {
				defer nc.Close()
				for range rounds {
					if err := exchange(nc, batch, want); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	run(rounds)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(rounds)
	runtime.ReadMemStats(&after)
	// What the clients of this test allocate is a few hundred bytes a batch.
	perBatch := (after.TotalAlloc - before.TotalAlloc) / (clients * rounds)
	t.Logf("%d bytes allocated a batch", perBatch)
	if perBatch > 4096 {
		t.Errorf("%d bytes allocated a batch: reply buffers are not kept", perBatch)
	}
}
