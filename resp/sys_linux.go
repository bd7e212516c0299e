package resp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls below cannot block: the sockets are non-blocking, and epoll is
// asked with a timeout of zero. They skip the scheduler's bookkeeping for
// blocking calls, which costs a loop more than the calls themselves.

func epollPoll(ep int, events []unix.EpollEvent) int {
	n, _, _ := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	return int(n)
}

func rawRead(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(n), errno
}

func rawWrite(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return int(n), errno
}
