//go:build unix

package main

import (
	"log/slog"
	"syscall"
)

// spareFiles are the file descriptors that are not clients': logs, engines,
// listeners.
const spareFiles = 64

// raiseFileLimit asks for as many file descriptors as maxclients needs. Where
// the system gives fewer, connections above them are refused by it, which is
// worth a warning.
func raiseFileLimit(clients int, log *slog.Logger) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return
	}
	want := uint64(clients + spareFiles)
	if lim.Cur >= want {
		return
	}
	lim.Cur = min(want, lim.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil || lim.Cur < want {
		log.Warn("maxclients needs more open files than the system allows",
			"maxclients", clients, "needed", want, "allowed", lim.Cur)
	}
}
