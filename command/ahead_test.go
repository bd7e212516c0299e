package command

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A pipeline, whose commands are looked at before their turn, answers as the
// same commands do when they are sent one by one.
func TestPipelineAnswersAsSingleCommands(t *testing.T) {
	together, single := startNode(t).dial(), startNode(t).dial()
	key := rapid.SampledFrom([]string{"a", "b", "c", "{x}1", "{x}2"})
	word := rapid.Custom(func(t *rapid.T) string {
		k, other := key.Draw(t, "key"), key.Draw(t, "other")
		return rapid.SampledFrom([]string{
			"SET " + k + " " + other, "SET " + k, "SET", "get " + k, "GET " + k + " " + k, "DEL " + k, "DEL " + k + " " + other,
			"INCR " + k, "APPEND " + k + " 1", "STRLEN " + k, "MSET " + k + " 1 " + other + " 2", "MGET " + k + " " + other,
			"GETDEL " + k, "SETEX " + k + " 100 v", "SETEX " + k + " 0 v", "PERSIST " + k, "TYPE " + k, "EXISTS " + k,
			"RENAME " + k + " " + other, "PING", "ECHO " + k, "NOPE " + k, "OBJECT ENCODING " + k, "OBJECT NOPE", "CLIENT NOPE",
			"MULTI", "EXEC", "DISCARD", "WATCH " + k, "UNWATCH", "CLIENT REPLY ON", "SUBSCRIBE",
		}).Draw(t, "command")
	})
	rapid.Check(t, func(rt *rapid.T) {
		commands := append(rapid.SliceOfN(word, 1, 50).Draw(rt, "commands"), "DISCARD", "UNWATCH", "FLUSHALL", "PING end")
		var want []string
		for _, c := range commands {
			want = append(want, single.do(c))
		}
		together.send(commands...)
		for i := range commands {
			if got := together.read(); got != want[i] {
				rt.Fatalf("reply %d, to %q in\n%s\nis %q, want %q", i, commands[i], strings.Join(commands, "\n"), got, want[i])
			}
		}
	})
}

// What stands in the way in the middle of a pipeline: each later command still
// gets its own key.
func TestPipelineIsCut(t *testing.T) {
	n := startNode(t)
	a, b := n.dial(), n.dial()
	var commands, want []string
	for i := range 100 {
		commands = append(commands, fmt.Sprintf("SET key:%d %d", i, i))
		want = append(want, "+OK\r\n")
		if i%7 == 3 {
			commands = append(commands, "CLIENT PAUSE 1 WRITE")
			want = append(want, "+OK\r\n")
		}
	}
	a.send(commands...)
	for i := range 100 {
		b.do(fmt.Sprintf("SET other:%d %d", i, -i))
	}
	for i, w := range want {
		if got := a.read(); got != w {
			t.Fatalf("reply %d is %q", i, got)
		}
	}
	for i := range 100 {
		for key, v := range map[string]string{fmt.Sprint("key:", i): fmt.Sprint(i), fmt.Sprint("other:", i): fmt.Sprint(-i)} {
			if got, want := a.do("GET "+key), fmt.Sprintf("$%d\r\n%s\r\n", len(v), v); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
	}
}
