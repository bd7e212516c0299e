//go:build !unix

package resp

import "net"

func setBacklog(net.Listener, int) {}
