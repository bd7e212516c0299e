package memory

import "math/bits"

// class numbers a kind and size of object. Entries, tables and nodes never
// share a class, so an object's class tells what it is:
//
//	1 … entryClasses           entries, by bytes
//	tableClass(1) …            tables, by cells
//	nodeClass                  index nodes
//	bigClass                   entries too large for any class, each in a slab of its own
type class uint16

const (
	// entrySteps is the number of entry classes to a doubling: rounding costs
	// at most 1/16, on average 2 %. The smallest step is minStep bytes: with 4
	// bitcask's index, whose entries have 42 bytes and few more, would take 2
	// more a key.
	entrySteps = 16
	minStep    = 2
	maxEntry   = 128 << 10 // bytes; larger entries are big

	// tableSteps is the number of table classes to a doubling: a table grows
	// by an eighth.
	tableSteps = 8
	maxTable   = 16 << 10 // cells

	entryClasses = entrySteps + entrySteps*12 // 12 doublings from 32 bytes to maxEntry
	tableClasses = tableSteps + tableSteps*11 // 11 doublings from 8 cells to maxTable

	nodeClass = class(entryClasses + tableClasses + 1)
	bigClass  = nodeClass + 1
	classes   = int(bigClass) + 1
)

// entryClass is the smallest class that holds an entry of n bytes.
func entryClass(n int) class {
	if n > maxEntry {
		return bigClass
	}
	return class(step((n+minStep-1)/minStep, entrySteps))
}

// tableClass is the smallest class that holds n cells, n ≤ maxTable.
func tableClass(n int) class {
	return class(entryClasses + step(n, tableSteps))
}

func (c class) isEntry() bool { return c <= entryClasses || c == bigClass }
func (c class) isTable() bool { return c > entryClasses && c < nodeClass }

// cells is the capacity of a table of class c.
func (c class) cells() int { return units(int(c)-entryClasses, tableSteps) }

// bytes is the size of an object of class c; big ones have no common size.
func (c class) bytes() int {
	switch {
	case c <= entryClasses:
		return minStep * units(int(c), entrySteps)
	case c < nodeClass:
		return cellBytes * c.cells()
	default:
		return nodeBytes
	}
}

// step gives the number of the smallest step that is at least n ≥ 1 units, where
// the first `steps` steps are 1, 2, 3 … units and every further `steps` of them
// double the size.
func step(n, steps int) int {
	if n <= steps {
		return n
	}
	octave := bits.Len(uint(n-1)/uint(steps)) - 1
	return steps*(octave+1) + (n-1-steps<<octave)>>octave + 1
}

// units is the inverse of step: the size of step i ≥ 1.
func units(i, steps int) int {
	if i <= steps {
		return i
	}
	octave := (i - 1 - steps) / steps
	return (steps + (i-1)%steps + 1) << octave
}
