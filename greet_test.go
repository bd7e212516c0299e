package main

import (
	"net"
	"strings"
	"testing"

	"github.com/rldb/rldb/conf"
)

// TestGreetPassword: a greeting goes by the password of its own time, for CONFIG SET
// changes it.
func TestGreetPassword(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	heard := make(chan string, 16)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			_, _ = c.Write([]byte("-WRONGPASS no\r\n"))
			heard <- string(b[:n])
			c.Close()
		}
	}()
	cfg := &conf.Config{Port: 1, Bind: []conf.BindAddress{{Network: "tcp"}}, Requirepass: "at-the-start"}
	password := "first-word"
	g := newGreeter(cfg, func() string { return password })
	for _, password = range []string{"first-word", "second-word"} {
		if _, err := g.call(t.Context(), ln.Addr().String(), nil); err == nil {
			t.Fatal("a refused greeting succeeds")
		}
		select {
		case sent := <-heard:
			if !strings.Contains(sent, password) {
				t.Errorf("%q was sent with the password %q", sent, password)
			}
		default:
			t.Errorf("nothing was sent")
		}
	}
}
