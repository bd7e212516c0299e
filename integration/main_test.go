package integration

import (
	"fmt"
	"os"
	"testing"
)

// TestMain raises the limit on open files, which the children inherit, and
// removes what the builds left behind.
func TestMain(m *testing.M) {
	if err := raiseFileLimit(); err != nil {
		fmt.Fprintln(os.Stderr, "integration: the limit on open files stays as it is:", err)
	}
	code := m.Run()
	os.RemoveAll(buildDir())
	os.Exit(code)
}

// soak tells whether the long form was asked for.
func soak() bool { return os.Getenv("RLDB_SOAK") == "1" }
