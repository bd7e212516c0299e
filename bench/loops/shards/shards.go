// Package shards is the plainest store that several connections can share: Go
// maps behind locks. The loops under comparison have it in common; it must know
// nothing of connections.
package shards

import (
	"hash/maphash"
	"sync"
)

const count = 256

// Map holds values by key.
type Map struct {
	seed   maphash.Seed
	shards [count]shard
}

type shard struct {
	mu sync.RWMutex
	m  map[string][]byte
}

// New gives an empty map.
func New() *Map {
	m := &Map{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].m = map[string][]byte{}
	}
	return m
}

func (m *Map) shard(key []byte) *shard { return &m.shards[maphash.Bytes(m.seed, key)%count] }

// Set keeps copies of both.
func (m *Map) Set(key, value []byte) {
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[string(key)] = append([]byte(nil), value...)
}

// Get gives the value, which nobody changes any more.
func (m *Map) Get(key []byte) ([]byte, bool) {
	s := m.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.m[string(key)]
	return v, ok
}

// Len counts the keys.
func (m *Map) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		n += len(s.m)
		s.mu.RUnlock()
	}
	return n
}
