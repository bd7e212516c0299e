package main

import (
	"context"
	"fmt"
)

// clusterKeys is a keyspace and who serves which of its keys.
type clusterKeys struct {
	keyspace
	slots []uint16 // of each key
}

func newClusterKeys(k keyspace) *clusterKeys {
	all := &clusterKeys{keyspace: k, slots: make([]uint16, k.n)}
	var key [keyLen]byte
	for i := range all.slots {
		putKey(key[:], i)
		all.slots[i] = uint16(slotOf(key[:]))
	}
	return all
}

// of are the keys that a node serves; without a map, all.
func (k *clusterKeys) of(addr string, m *slotMap) []int32 {
	var own []int32
	for i, s := range k.slots {
		if m == nil || m[s] == addr {
			own = append(own, int32(i))
		}
	}
	return own
}

// load sets every key at the node that serves it.
func (k *clusterKeys) load(ctx context.Context, d dialect, addrs []string) error {
	m, err := d.mapFrom(addrs[0])
	if err != nil {
		return err
	}
	done := make(chan error, len(addrs))
	for i, addr := range addrs {
		own := k.of(addr, m)
		if m == nil { // any node takes every key: a share each
			own = own[len(own)*i/len(addrs) : len(own)*(i+1)/len(addrs)]
		}
		go func() { done <- k.loadAt(ctx, d, addr, own) }()
	}
	var first error
	for range addrs {
		if err := <-done; err != nil && first == nil {
			first = fmt.Errorf("loading: %w", err)
		}
	}
	return first
}

func (k *clusterKeys) loadAt(ctx context.Context, d dialect, addr string, own []int32) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	var batch, value []byte
	var key [keyLen]byte
	words := bytesOf(d.set)
	for len(own) > 0 && ctx.Err() == nil {
		n := min(loadBatch, len(own))
		batch = batch[:0]
		for _, i := range own[:n] {
			putKey(key[:], int(i))
			value = k.appendValue(value[:0], int(i))
			batch = appendCommand(batch, append(words[:len(words):len(words)], key[:], value)...)
		}
		if _, err := c.conn.Write(batch); err != nil {
			return err
		}
		for range n {
			if r, err := c.read(); err != nil {
				return err
			} else if r.kind != '+' {
				return fmt.Errorf("a SET is answered with %.100q", r.text)
			}
		}
		own = own[n:]
	}
	return ctx.Err()
}

func bytesOf(words []string) [][]byte {
	var all [][]byte
	for _, w := range words {
		all = append(all, []byte(w))
	}
	return all
}
