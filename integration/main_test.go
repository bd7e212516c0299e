package integration

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestMain raises the limit on open files, which the children inherit, and
// removes what the builds left behind.
func TestMain(m *testing.M) {
	if err := raiseFileLimit(); err != nil {
		fmt.Fprintln(os.Stderr, "integration: the limit on open files stays as it is:", err)
	}
	redis.SetLogger(silent{})
	code := m.Run()
	os.RemoveAll(buildDir())
	os.Exit(code)
}

// silent is go-redis's log: it tells of each failed dial, which the caller is told
// too, and TestKill causes many.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// soak tells whether the long form was asked for.
func soak() bool { return os.Getenv("RLDB_SOAK") == "1" }
