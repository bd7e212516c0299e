package command

import "time"

// latency is LATENCY's history of slow events.
type latency struct{}

func (l *latency) add(c *call, took time.Duration) {}
