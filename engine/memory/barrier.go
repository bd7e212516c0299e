package memory

// Barrier waits until every transaction, and every step of a drop, that holds a
// lock when it is called has let go of it. Whoever has seen what a Decide did
// elsewhere can so wait for the rest of that Decide.
func (e *Engine) Barrier() {
	for i := range e.shards {
		e.shards[i].pass()
	}
}

// pass waits for the shard's lock, and lets go of it.
func (s *shard) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
}
