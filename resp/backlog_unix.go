//go:build unix

package resp

import (
	"net"
	"syscall"
)

// setBacklog tells the kernel how many connections to queue: listening again on
// a listening socket changes just that.
func setBacklog(ln net.Listener, n int) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { syscall.Listen(int(fd), n) })
	}
}
