//go:build !linux

package integration

import "testing"

func smallDisk(t *testing.T, _ string) string {
	t.Skip("a small file system is mounted on Linux only")
	return ""
}
