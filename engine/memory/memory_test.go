package memory_test

import (
	"testing"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/engine/enginetest"
	"github.com/rldb/rldb/engine/memory"
)

func TestConformance(t *testing.T) {
	open := func(*testing.T, string) engine.Engine { return memory.New() }
	enginetest.Run(t, open, enginetest.Caps{})
}
