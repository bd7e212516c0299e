package command

// usedMemory is what maxmemory is held against: what the data takes, and the
// clients' buffers.
func (s *Server) usedMemory() int64 { return s.store.UsedBytes() + s.front.ClientMemory() }
