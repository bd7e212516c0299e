package main

import (
	"context"
	"errors"

	"github.com/rldb/rldb/command"
)

// Publish, Standing and Repair are part of command.Cluster.
func (c *cluster) Publish(channel, message []byte) {}

func (c *cluster) Standing() command.Standing { return command.Standing{Siblings: -1} }

func (c *cluster) Repair(context.Context) error { return errors.New("there is nothing to repair with") }
