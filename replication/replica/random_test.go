package replica_test

import (
	"fmt"
	"testing"

	"github.com/rldb/rldb/replication/replica"
)

func random(t *testing.T, s *replica.Store, c *clock) (string, bool) {
	t.Helper()
	name, ok, err := s.Random(nil, c.now(), true)
	if err != nil {
		t.Fatal(err)
	}
	return string(name), ok
}

func TestRandom(t *testing.T) {
	s, c := open(t)
	s.SetActiveExpire(false)
	if name, ok := random(t, s, c); ok {
		t.Fatalf("an empty store gives %q", name)
	}
	set(s, c, "", "v", 0)
	if name, ok := random(t, s, c); !ok || name != "" {
		t.Fatalf("got %q, %v: want the only key, an empty one", name, ok)
	}
	do(s, c, func(t *replica.Txn) { t.Delete(0) }, "")

	// Some in one slot, some in slots of their own.
	want := map[string]bool{}
	for i := range 50 {
		for _, format := range []string{"{tag}%d", "key %d"} {
			key := fmt.Sprintf(format, i)
			want[key] = true
			set(s, c, key, "v", 0)
		}
	}
	seen := map[string]bool{}
	for range 3000 {
		name, ok := random(t, s, c)
		if !ok || !want[name] {
			t.Fatalf("got %q, %v: no key of the store", name, ok)
		}
		seen[name] = true
	}
	// A key behind a narrow gap may be missed: two of these 100 can be expected.
	if len(seen) < 85 {
		t.Errorf("%d of 100 keys were never drawn", 100-len(seen))
	}
	for key := range want {
		if key[0] == 'k' && !seen[key] {
			t.Errorf("%q, alone in its slot, was never drawn", key)
		}
	}
}

func TestRandomNeverExpired(t *testing.T) {
	s, c := open(t)
	s.SetActiveExpire(false)
	for i := range 100 {
		set(s, c, fmt.Sprint("soon gone ", i), "v", c.now()+10)
	}
	set(s, c, "stays", "v", 0)
	c.ms.Add(10)
	for range 100 {
		if name, ok := random(t, s, c); !ok || name != "stays" {
			t.Fatalf("got %q, %v: want the key that has not expired", name, ok)
		}
	}
	do(s, c, func(t *replica.Txn) { t.Delete(0) }, "stays")
	if name, ok := random(t, s, c); ok {
		t.Fatalf("got %q, which has expired", name)
	}
}
