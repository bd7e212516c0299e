//go:build !linux

package resp

import "net"

// loop stands in where there is no epoll: connections get goroutines.
type loop struct{}

func newLoops(*Server, int) ([]*loop, error) { return []*loop{{}}, nil }

func (*loop) adopt(net.Conn) bool { return false }
func (*loop) serve()              {}
func (*loop) halt()               {}
