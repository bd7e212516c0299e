//go:build !linux

package main

import "time"

// waitUntil returns when t has come.
func waitUntil(t time.Time) {
	left := time.Until(t)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	<-timer.C
}
