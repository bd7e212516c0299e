package integration

import (
	"fmt"
	"slices"
)

// compareState compares all that is stored: keys, values and expiries. It uses
// fresh replies of the first connections, which may be anywhere in a
// transaction or subscribed, so it resets them first.
func compareState(ref, sub client, exact bool) string {
	want, err := readState(ref[0])
	if err != nil {
		return "reading redis-server: " + err.Error()
	}
	got, err := readState(sub[0])
	if err != nil {
		return "reading the subject: " + err.Error()
	}
	if diff := diffSets(want.keys, got.keys); diff != "" {
		return "keys: " + diff
	}
	ttl := within(5000)
	if exact {
		ttl = sameBytes
	}
	for i, key := range want.keys {
		if why := sameBytes(want.values[i], got.values[i]); why != "" {
			return fmt.Sprintf("the value of %q is %.300q and %.300q", key, want.values[i].raw, got.values[i].raw)
		}
		if why := ttl(want.expiries[i], got.expiries[i]); why != "" {
			return fmt.Sprintf("PEXPIRETIME of %q is %q and %q", key, want.expiries[i].raw, got.expiries[i].raw)
		}
	}
	return ""
}

type state struct {
	keys             []string
	values, expiries []frame
}

func readState(c *conn) (state, error) {
	var s state
	// RESET leaves transactions and subscriptions; in subscriber mode its reply
	// may come behind messages.
	if err := c.send(appendCommand(nil, "RESET")); err != nil {
		return s, err
	}
	for {
		f, err := c.read()
		if err != nil {
			return s, err
		}
		if f.str() == "RESET" {
			break
		}
		if f.isError() {
			return s, fmt.Errorf("RESET: %q", f.raw)
		}
	}
	f, err := c.do("KEYS", "*")
	if err != nil {
		return s, err
	}
	for _, e := range f.elems {
		s.keys = append(s.keys, e.str())
	}
	slices.Sort(s.keys)
	var request []byte
	for _, k := range s.keys {
		request = appendCommand(request, "GET", k)
		request = appendCommand(request, "PEXPIRETIME", k)
	}
	frames, err := c.exchange(request, 2*len(s.keys))
	for i := 0; i+1 < len(frames); i += 2 {
		s.values = append(s.values, frames[i])
		s.expiries = append(s.expiries, frames[i+1])
	}
	return s, err
}
