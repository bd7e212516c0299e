package memory

import "testing"

func TestClassIsSmallestThatFits(t *testing.T) {
	for n := 1; n <= maxEntry; n++ {
		c := entryClass(n)
		if !c.isEntry() || c.isTable() || c.bytes() < n || c > 1 && (c-1).bytes() >= n {
			t.Fatalf("%d bytes get class %d of %d bytes", n, c, c.bytes())
		}
		if waste := c.bytes() - n; waste >= minStep && waste*entrySteps > n {
			t.Fatalf("%d bytes waste %d", n, waste)
		}
	}
	if c := entryClass(maxEntry + 1); c != bigClass || !c.isEntry() || c.isTable() {
		t.Errorf("a big entry gets class %d", c)
	}
	for n := 1; n <= maxTable; n++ {
		c := tableClass(n)
		if !c.isTable() || c.isEntry() || c.cells() < n || c > tableClass(1) && (c-1).cells() >= n {
			t.Fatalf("%d cells get class %d of %d cells", n, c, c.cells())
		}
	}
	if last := tableClass(maxTable); last+1 != nodeClass || nodeClass.isEntry() || nodeClass.isTable() {
		t.Errorf("class %d is the last of tables, %d that of nodes", last, nodeClass)
	}
}

// A table that is full grows by half at the most, apart from the smallest.
func TestTablesGrowLittle(t *testing.T) {
	for n := 2; n < maxTable; n++ {
		full := tableClass(n).cells()
		if grown := tableClass(roomy(fill(full) + 1)).cells(); grown > full+max(2, full/2) {
			t.Fatalf("a table of %d cells grows to %d", full, grown)
		}
	}
}
