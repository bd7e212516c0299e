package memory

import (
	"testing"

	"pgregory.net/rapid"
)

// What is counted of a chunk's regions is what blocks have taken and not given
// back, and each passing of the mark is told of once.
func TestRegionsAreCounted(t *testing.T) {
	const unit = 16 << 10
	rapid.Check(t, func(t *rapid.T) {
		c, err := newChunk()
		if err != nil {
			t.Fatal(err)
		}
		defer unmapMemory(c.mapped)
		taken := make([]bool, chunkSize/unit)
		ripe := map[int]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			from := rapid.IntRange(0, len(taken)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, min(len(taken), from+300)).Draw(t, "to")
			// A stretch is taken or given back as a whole: as far as it is alike.
			less := taken[from]
			for i := from; i < to; i++ {
				if taken[i] != less {
					to = i
				}
			}
			for i := from; i < to; i++ {
				taken[i] = !less
			}
			c.count(c.mem[from*unit:to*unit], less, func(region int, full bool) {
				if ripe[region] == full {
					t.Fatalf("region %d: told %v twice", region, full)
				}
				ripe[region] = full
			})
			for i := range c.touched {
				sum := 0
				for _, u := range taken[i*hugePage/unit : (i+1)*hugePage/unit] {
					if u {
						sum += unit
					}
				}
				if got := int(c.touched[i].Load()); got != sum || ripe[i] != (sum >= ripeAt) {
					t.Fatalf("region %d: %d bytes, ripe %v; want %d bytes", i, got, ripe[i], sum)
				}
			}
		}
	})
}
