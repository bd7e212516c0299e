package command

import (
	"syscall"
	"time"
)

// cpuTime is how long the process has used the CPU for itself, and in the
// system on its behalf.
func cpuTime() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
