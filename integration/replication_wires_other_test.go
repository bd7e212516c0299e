//go:build !linux

package integration

import "testing"

func wiredOrNot(t *testing.T, n int, o clusterOptions) (*testCluster, cuts, string) {
	t.Helper()
	return startReplicated(t, n, o), nil, "network namespaces are Linux's"
}
