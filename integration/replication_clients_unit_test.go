package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// answer is an error reply, as go-redis gives one.
type answer string

func (a answer) Error() string { return string(a) }
func (a answer) RedisError()   {}

// TestClassify: what attempts are counted as.
func TestClassify(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for _, test := range []struct {
		err     error
		want    outcome
		strange bool
	}{
		{nil, outcomeDone, false},
		{redis.Nil, outcomeDone, false},
		{answer("MOVED 1 h:2"), outcomeRefused, false},
		{answer("CLUSTERDOWN x"), outcomeRefused, false},
		{answer("NOQUORUM x"), outcomeUnknown, false},
		{answer("ERR x"), outcomeUnknown, true},
		{answer("CLUSTERDOWNED x"), outcomeUnknown, true},
		{dial, outcomeRefused, false},
		{fmt.Errorf("x: %w", dial), outcomeRefused, false},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, outcomeUnknown, false},
		{io.EOF, outcomeUnknown, false},
		{context.DeadlineExceeded, outcomeUnknown, false},
	} {
		if got := classify(test.err); got != test.want {
			t.Errorf("%v is %d, not %d", test.err, got, test.want)
		}
		if got := strange(test.err); got != test.strange {
			t.Errorf("%v: strange is %v", test.err, got)
		}
	}
}

// TestAttempts: a retry of the cluster client is counted. The server says first that it
// does not serve the slot, then hangs up, and then answers.
func TestAttempts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	host, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	sets := make(chan int, 1)
	sets <- 0
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				c := newConn(nc)
				for {
					f, err := c.read()
					if err != nil || len(f.elems) == 0 {
						return
					}
					reply := "+OK\r\n"
					switch f.elems[0].str() {
					case "hello", "HELLO":
						reply = "-ERR unknown command\r\n"
					case "cluster":
						reply = fmt.Sprintf("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$%d\r\n%s\r\n:%s\r\n$1\r\nx\r\n", len(host), host, port)
					case "command":
						reply = "*0\r\n"
					case "set":
						n := <-sets
						sets <- n + 1
						switch n {
						case 0:
							reply = fmt.Sprintf("-MOVED 1 %s\r\n", l.Addr())
						case 1:
							return
						}
					}
					if c.send([]byte(reply)) != nil {
						return
					}
				}
			}()
		}
	}()
	c := &testCluster{t: t}
	c.nodes = []*clusterNode{{t: t, host: host}}
	_, err = fmt.Sscan(port, &c.nodes[0].port)
	must(t, err)
	a := &attempts{name: "set", clock: time.Now()}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), attemptsKey{}, a), toolLimit)
	defer cancel()
	if err := c.counting().Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if a.done != 1 || a.refused != 1 || a.unknown != 1 {
		t.Errorf("counted: %+v", a)
	}
}
