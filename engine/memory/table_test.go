package memory

import (
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// TestTable does random operations on a table and on a sorted slice.
func TestTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.SampledFrom([]int{1, 2, 3, 8, 16, 17, 20, 40, 160, 1024}).Draw(rt, "size")
		hash := rapid.OneOf(
			rapid.Uint32(),
			rapid.SampledFrom([]uint32{0, 1, 1 << 31, 1<<32 - 2, 1<<32 - 1}),
		)
		tab, twin := make(table, size), []cell(nil)
		next := ref(0)
		rt.Repeat(map[string]func(*rapid.T){
			"insert": func(rt *rapid.T) {
				for range rapid.IntRange(1, max(1, size/4)).Draw(rt, "n") {
					next++
					twin = insertBoth(rt, tab, twin, newCell(hash.Draw(rt, "hash"), next))
				}
			},
			"remove": func(rt *rapid.T) {
				for range rapid.IntRange(1, max(1, size/4)).Draw(rt, "n") {
					if len(twin) == 0 {
						return
					}
					i := rapid.IntRange(0, len(twin)-1).Draw(rt, "i")
					tab.remove(slices.Index(tab, twin[i]))
					twin = slices.Delete(twin, i, i+1)
				}
			},
			"respread": func(rt *rapid.T) {
				other := make(table, size+rapid.IntRange(0, size).Draw(rt, "more"))
				if other.spread(twin) {
					tab = other
				}
			},
			"": func(rt *rapid.T) {
				if got := cellsOf(tab); !slices.Equal(got, twin) {
					rt.Fatalf("table holds %x, want %x", got, twin)
				}
				if err := verifyTable(tab, len(twin)); err != nil && len(twin) > 0 {
					rt.Fatal(err)
				}
			},
		})
	})
}

// insertBoth inserts c after its equals. If the table has no room, there has to
// be none to the right of where c belongs, and nothing may have changed.
func insertBoth(rt *rapid.T, tab table, twin []cell, c cell) []cell {
	lo, hi := tab.run(c.hash())
	from := sort.Search(len(twin), func(i int) bool { return twin[i].hash() >= c.hash() })
	to := sort.Search(len(twin), func(i int) bool { return twin[i].hash() > c.hash() })
	if !slices.Equal(tab[lo:hi], twin[from:to]) {
		rt.Fatalf("run of %x is %x, want %x", c.hash(), tab[lo:hi], twin[from:to])
	}
	if _, ok := tab.insert(hi, c); ok {
		return slices.Insert(twin, to, c)
	}
	if slices.Contains(tab[hi:], 0) {
		rt.Fatalf("no room at %d in %x", hi, tab)
	}
	return twin
}

func cellsOf(t table) (cells []cell) {
	for _, c := range t {
		if c != 0 {
			cells = append(cells, c)
		}
	}
	return cells
}
