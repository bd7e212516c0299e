package peer

import (
	"net"
	"testing"
	"time"
)

// BenchmarkCalls is calls a second over loopback, 64 under way: requests of 128
// bytes, answers of 8.
func BenchmarkCalls(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, 8)
	s := NewServer(ServerOptions{Self: always(identity("b")), Handler: atOnce(func(ID, []byte) ([]byte, error) { return answer, nil })})
	s.Serve(ln)
	defer s.Close()
	p := NewPool(PoolOptions{Self: always(identity("a")), Timeout: 20 * time.Second})
	defer p.Close()
	p.SetPeers(map[ID]string{testID("b"): ln.Addr().String()})
	request := make([]byte, 128)
	if _, err := p.Call(b.Context(), testID("b"), request); err != nil {
		b.Fatal(err)
	}
	const inFlight = 64
	slots := make(chan struct{}, inFlight)
	done := func(_ []byte, err error) {
		if err != nil {
			b.Error(err)
		}
		<-slots
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		slots <- struct{}{}
		p.Start(testID("b"), request, done)
	}
	for range inFlight {
		slots <- struct{}{}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
