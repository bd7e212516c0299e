package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// fake is a server that answers every SET and every GET with the same bytes.
func fake(t *testing.T, toSet, toGet string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go fakeConnection(conn, toSet, toGet)
		}
	}()
	return l.Addr().String()
}

func fakeConnection(conn net.Conn, toSet, toGet string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		answer := ""
		switch line {
		case "SET\r\n":
			answer = toSet
		case "GET\r\n":
			answer = toGet
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

func TestLoads(t *testing.T) {
	value := "$3\r\nabc\r\n"
	for name, c := range map[string]struct {
		toSet, toGet       string
		setFails, getFails string
	}{
		"all is well":    {toSet: "+OK\r\n", toGet: value},
		"SET is refused": {toSet: "-OOM no\r\n", toGet: value, setFails: "OOM"},
		"SET is odd":     {toSet: ":1\r\n", toGet: value, setFails: `SET gave "1"`},
		"GET is refused": {toSet: "+OK\r\n", toGet: "-ERR x\r\n", getFails: "ERR x"},
		"a key is lost":  {toSet: "+OK\r\n", toGet: "$-1\r\n", getFails: "3 bytes were set"},
		"a short value":  {toSet: "+OK\r\n", toGet: "$2\r\nab\r\n", getFails: "3 bytes were set"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := fake(t, c.toSet, c.toGet)
			k := keyspace{n: 100, size: 3}
			sets, err := newSetLoad(addr, k, newSchedule(time.Now(), 500, 20*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			gets, err := newGetLoad(addr, k, newSchedule(time.Now(), 5000, 20*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, sets.run(context.Background()), c.setFails)
			wantError(t, gets.run(context.Background()), c.getFails)
			if n := sets.answered.Load(); c.setFails == "" && (n != sets.sent || n == 0) {
				t.Errorf("%d SETs were sent, %d answered", sets.sent, n)
			}
			if n := len(gets.samples(10 * time.Millisecond)); c.getFails == "" && (n != 50 || gets.answered.Load() != 100) {
				t.Errorf("%d samples of 50, %d answers of 100", n, gets.answered.Load())
			}
		})
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if (err == nil) != (part == "") || err != nil && !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, want %q", err, part)
	}
}

func TestLoadsEndWithTheirContext(t *testing.T) {
	addr := fake(t, "", "") // never answers
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	k := keyspace{n: 100, size: 3}
	sets, err := newSetLoad(addr, k, newSchedule(time.Now(), 10, 100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	gets, err := newGetLoad(addr, k, newSchedule(time.Now(), 10, 100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context) error{"SETs": sets.run, "GETs": gets.run} {
		if err := run(ctx); err == nil {
			t.Errorf("%s ended well", name)
		}
	}
}
