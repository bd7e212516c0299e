package command

import "time"

// slowlog keeps the slowest commands.
type slowlog struct{}

func (l *slowlog) add(c *call, took time.Duration, max int) {}
