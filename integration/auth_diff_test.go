package integration

import (
	"strings"
	"testing"
)

// testAuth compares what a server with a password says to strangers.
func (p *pair) testAuth(t *testing.T) {
	scripts := map[string][][]string{
		"no auth": {{"GET", "k"}, {"SET", "k", "v"}, {"PING"}, {"PING", "x"}, {"ECHO", "x"}, {"NOSUCH"}, {"GET"}, {"SELECT", "0"},
			{"CLIENT", "GETNAME"}, {"CONFIG", "GET", "requirepass"}, {"MULTI"}, {"EXEC"}, {"COMMAND", "COUNT"}, {"SUBSCRIBE", "c"},
			{"RESET"}, {"CLIENT", "FOO"}, {"FLUSHALL"}, {"INFO"}, {"WATCH", "k"}, {"DISCARD"}, {"QUIT"}},
		"wrong": {{"AUTH", "wrong"}, {"GET", "k"}, {"AUTH", "default", "wrong"}, {"AUTH", "nobody", p.auth}, {"AUTH", ""}, {"AUTH"},
			{"AUTH", "a", "b", "c"}, {"AUTH", strings.ToUpper(p.auth)}, {"AUTH", p.auth + "x"}, {"AUTH", p.auth[:3]}, {"GET", "k"}},
		"right": {{"AUTH", p.auth}, {"GET", "k"}, {"AUTH", "wrong"}, {"GET", "k"}, {"AUTH", "default", p.auth}, {"SET", "k", "v"},
			{"RESET"}, {"GET", "k"}, {"AUTH", p.auth}, {"GET", "k"}, {"CONFIG", "GET", "requirepass"}},
		"hello": {{"HELLO"}, {"HELLO", "3"}, {"HELLO", "2", "SETNAME", "x"}, {"HELLO", "4"}, {"HELLO", "3", "AUTH", "default", "wrong"},
			{"HELLO", "3", "AUTH", "nobody", p.auth}, {"HELLO", "3", "FOO"}, {"GET", "k"}},
	}
	for name, commands := range scripts {
		t.Run(name, func(t *testing.T) { p.compareScript(t, commands) })
	}
	t.Run("hello auth", p.testHelloAuth)
	t.Run("limits", p.testUnauthenticatedLimits)
	t.Run("cross protocol", func(t *testing.T) {
		p.protocolCase(t, protocolCase{"POST", "POST / HTTP/1.1\r\n", true}, "whole", whole)
	})
}

// compareScript sends commands on one new connection at each server.
func (p *pair) compareScript(t *testing.T, commands [][]string) {
	t.Helper()
	ref, sub := mustDial(t, p.ref), mustDial(t, p.sub)
	for _, args := range commands {
		want, err := ref.do(args...)
		if err != nil {
			t.Fatalf("redis-server: %q: %v", args, err)
		}
		got, err := sub.do(args...)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if why := p.how.of(args)(want, got); why != "" {
			t.Errorf("%q: %s\n redis %q\n rldb  %q", args, why, want.raw, got.raw)
		}
	}
}

// testHelloAuth: HELLO with AUTH lets a client in, with SETNAME or without.
func (p *pair) testHelloAuth(t *testing.T) {
	p.compareScript(t, [][]string{{"HELLO", "3", "AUTH", "default", p.auth}, {"GET", "nosuch"}, {"CLIENT", "GETNAME"}})
	p.compareScript(t, [][]string{{"HELLO", "2", "AUTH", "default", p.auth, "SETNAME", "me"}, {"CLIENT", "GETNAME"}, {"GET", "nosuch"}})
}

// testUnauthenticatedLimits: strangers may send ten arguments of 16 KB.
func (p *pair) testUnauthenticatedLimits(t *testing.T) {
	for _, c := range []protocolCase{
		{"11 arguments", "*11\r\n", true},
		{"10 arguments", "*10\r\n" + strings.Repeat("$1\r\nx\r\n", 10), false},
		{"1,000,000,000 arguments", "*1000000000\r\n", true},
		{"16,385 bytes", "*2\r\n$4\r\nAUTH\r\n$16385\r\n", true},
		{"16,384 bytes", "*2\r\n$4\r\nAUTH\r\n$16384\r\n" + strings.Repeat("x", 16384) + "\r\n", false},
		{"inline", "GET k\r\n", false},
	} {
		for _, cut := range []func([]byte) [][]byte{whole, halves} {
			c := c
			if !c.closes { // PING with a word needs a password; without one, the word does not come back
				c.closes = true
				c.send += "QUIT\r\n"
			}
			p.protocolCase(t, c, "", cut)
		}
	}
}
