package command

import "github.com/rldb/rldb/resp"

// pause is what CLIENT PAUSE set.
type pause struct{}

func (p *pause) holds(c *call) bool     { return false }
func (p *pause) forget(s *resp.Session) {}
