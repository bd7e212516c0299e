package command

import (
	"slices"
	"testing"
)

// FuzzCanonical: a client's script, whatever it is, does no harm, and white
// space around it does not change what it is taken for.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end`,
		`return "a\65" .. 'b' -- c`, "--[[ x ]] return 1", `"`, "((", "[[", "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		text, calls, ok := canonical(script)
		again, callsAgain, okAgain := canonical(slices.Concat([]byte(" \n"), script, []byte("\n ")))
		if ok && (!okAgain || text != again || len(calls) != len(callsAgain)) {
			t.Fatalf("%q is taken for %q, and with white space around it for %q %v", script, text, again, okAgain)
		}
	})
}
