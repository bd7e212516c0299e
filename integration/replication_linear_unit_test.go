package integration

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestRegisterModel: the model refuses what a key that does everything at one moment
// cannot have answered.
func TestRegisterModel(t *testing.T) {
	op := func(kind byte, value string, call, end int64) porcupine.Operation {
		o := porcupine.Operation{Input: registerInput{op: kind}, Output: registerOutput{}, Call: call, Return: end}
		switch kind {
		case 'S':
			o.Input = registerInput{op: kind, value: value}
		case 'G':
			o.Output = registerOutput{value: value}
		case 'D':
			o.Output = registerOutput{deleted: value != ""}
		}
		if end == pending {
			o.Output = registerOutput{unknown: true}
		}
		return o
	}
	h := func(ops ...porcupine.Operation) []porcupine.Operation { return ops }
	for _, test := range []struct {
		name    string
		history []porcupine.Operation
		want    bool
	}{
		{"set and read", h(op('S', "a", 0, 1), op('G', "a", 2, 3)), true},
		{"a read that misses a write", h(op('S', "a", 0, 1), op('G', "", 2, 3)), false},
		{"a read during a write", h(op('S', "a", 0, 9), op('G', "", 2, 3), op('G', "a", 4, 5)), true},
		{"reads that go back", h(op('S', "a", 0, 9), op('G', "a", 2, 3), op('G', "", 4, 5)), false},
		{"x, y, x", h(op('S', "x", 0, 9), op('S', "y", 0, 9), op('G', "x", 1, 2), op('G', "y", 3, 4), op('G', "x", 5, 6)), false},
		{"a write of unknown outcome that is read late", h(op('S', "a", 0, pending), op('G', "", 2, 3), op('G', "a", 8, 9)), true},
		{"one that is read, and gone", h(op('S', "a", 0, pending), op('G', "a", 2, 3), op('G', "", 8, 9)), false},
		{"deleted", h(op('S', "a", 0, 1), op('D', "a", 2, 3), op('G', "", 4, 5)), true},
		{"deleted and back", h(op('S', "a", 0, 1), op('D', "a", 2, 3), op('G', "a", 4, 5)), false},
		{"a delete that found nothing", h(op('S', "a", 0, 1), op('D', "", 2, 3)), false},
		{"never written", h(op('G', "a", 0, 1)), false},
		{"two keys", h(op('S', "a", 0, 1), porcupine.Operation{Input: registerInput{op: 'G', key: 1}, Output: registerOutput{}, Call: 2, Return: 3}), true},
	} {
		got := porcupine.CheckOperationsTimeout(registerModel(), test.history, time.Minute)
		if (got == porcupine.Ok) != test.want || got == porcupine.Unknown {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	bad := h(op('S', "a", 0, 1), op('G', "a", 2, 3), op('G', "", 4, 5), op('S', "b", 6, 7))
	if got := shortest(bad); len(got) != 3 {
		t.Errorf("the shortest history that cannot be has %d operations", len(got))
	}
}
