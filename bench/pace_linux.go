package main

import (
	"syscall"
	"time"
)

// waitUntil returns when t has come. The runtime's timers are a millisecond
// coarse when nothing else runs, which would be the client's own latency;
// nanosleep is some 50 µs late.
func waitUntil(t time.Time) {
	for {
		left := time.Until(t)
		if left <= 0 {
			return
		}
		ts := syscall.NsecToTimespec(int64(left))
		if syscall.Nanosleep(&ts, nil) == nil {
			return
		}
	}
}
