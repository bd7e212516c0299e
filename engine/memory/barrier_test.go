package memory

import (
	"testing"

	"github.com/rldb/rldb/engine"
)

// held is a transaction whose Decide waits.
type held struct{ began, goOn chan struct{} }

func (h held) Decide(*engine.Txn) {
	close(h.began)
	<-h.goOn
}

func (held) Done(*engine.Txn) {}

// TestBarrier: it returns after the transaction that ran when it was called, in
// whichever shard that is.
func TestBarrier(t *testing.T) {
	for slot := range uint16(shards) {
		e := New()
		h := held{make(chan struct{}), make(chan struct{})}
		ended, passed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			e.Try(&engine.Txn{Keys: []engine.Key{{Slot: slot}}, Step: h})
		}()
		<-h.began
		go func() {
			defer close(passed)
			e.Barrier()
		}()
		select {
		case <-passed:
			t.Fatalf("slot %d: it has not waited", slot)
		default:
		}
		close(h.goOn)
		<-passed
		<-ended
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
