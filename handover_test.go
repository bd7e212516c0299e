package main

import (
	"slices"
	"testing"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/membership"
	"github.com/rldb/rldb/ring"
)

// TestTakers: whom a change of views waits for. The member a serves the first half
// of the slots before, and before and after say who serves the second.
func TestTakers(t *testing.T) {
	if got := takers(nil, new(membership.View)); got != nil {
		t.Errorf("the first view waits for %v", got)
	}
	var none, a, b, c, self ring.ID
	a[0], b[0], c[0], self[0] = 1, 2, 3, 4
	for name, test := range map[string]struct {
		before, after, down ring.ID
		want                []ring.ID
	}{
		"nothing changes":            {before: b, after: b},
		"one takes over":             {before: b, after: c, want: []ring.ID{c}},
		"this node hands over":       {before: self, after: c, want: []ring.ID{c}},
		"this node takes over":       {before: b, after: self},
		"the loser is down":          {before: b, after: c, down: b},
		"who loses nothing is down":  {before: b, after: c, down: a, want: []ring.ID{c}},
		"nobody served":              {before: none, after: c},
		"nobody serves any more":     {before: b, after: none},
		"it goes to who serves more": {before: b, after: a, want: []ring.ID{a}},
	} {
		half := func(second ring.ID) func(uint16) ring.ID {
			return func(slot uint16) ring.ID {
				if slot < ring.Slots/2 {
					return a
				}
				return second
			}
		}
		serves := func(id ring.ID) bool { return id != test.down }
		if got := takersOf(self, half(test.before), half(test.after), serves); !slices.Equal(got, test.want) {
			t.Errorf("%s: waits for %v, want %v", name, got, test.want)
		}
	}
}

func TestGossipBinds(t *testing.T) {
	for name, test := range map[string]struct {
		bind []conf.BindAddress
		host string
		more []string
	}{
		"one":             {[]conf.BindAddress{{Host: "127.0.0.1"}}, "127.0.0.1", nil},
		"one may miss":    {[]conf.BindAddress{{Host: "::1", Optional: true}, {Host: "127.0.0.1"}}, "127.0.0.1", []string{"::1"}},
		"all may miss":    {[]conf.BindAddress{{Host: "::1", Optional: true}}, "::1", nil},
		"all of IPv4":     {[]conf.BindAddress{{Host: "127.0.0.1"}, {Network: "tcp4"}}, "", nil},
		"all of IPv6":     {[]conf.BindAddress{{Network: "tcp6"}}, "::", nil},
		"IPv6 may miss":   {[]conf.BindAddress{{Network: "tcp4"}, {Network: "tcp6", Optional: true}}, "", nil},
		"all, by address": {[]conf.BindAddress{{Host: "10.0.0.1"}, {Host: "0.0.0.0"}}, "0.0.0.0", nil},
	} {
		if host, more := gossipBinds(test.bind); host != test.host || !slices.Equal(more, test.more) {
			t.Errorf("%s: %q and %q, want %q and %q", name, host, more, test.host, test.more)
		}
	}
}
