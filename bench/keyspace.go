package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

// keyspace is n keys of 16 bytes, named as redis-benchmark names them, and the
// value of each.
type keyspace struct {
	n    int
	size int // of a value
}

const keyLen = 16

// putKey writes key i over dst, which has keyLen bytes.
func putKey(dst []byte, i int) {
	copy(dst, "key:")
	for at := keyLen - 1; at >= 4; at-- {
		dst[at] = byte('0' + i%10)
		i /= 10
	}
}

// appendValue appends the value of key i: bytes that do not compress.
func (k keyspace) appendValue(dst []byte, i int) []byte {
	end := len(dst) + k.size
	state := uint64(i)
	for len(dst) < end {
		state += 0x9e3779b97f4a7c15 // splitmix64
		z := (state ^ state>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		dst = binary.LittleEndian.AppendUint64(dst, z^z>>31)
	}
	return dst[:end]
}

func (k keyspace) appendSet(dst []byte, i int, scratch *[]byte) []byte {
	var key [keyLen]byte
	putKey(key[:], i)
	*scratch = k.appendValue((*scratch)[:0], i)
	return appendCommand(dst, []byte("SET"), key[:], *scratch)
}

// How keys are loaded: batches on each of several connections.
const (
	loadConnections = 4
	loadBatch       = 256
)

// load sets every key of k, and checks that all are there as they were set.
func (k keyspace) load(ctx context.Context, addr string) error {
	done := make(chan error, loadConnections)
	for part := range loadConnections {
		go func() { done <- k.loadPart(ctx, addr, k.n*part/loadConnections, k.n*(part+1)/loadConnections) }()
	}
	var first error
	for range loadConnections {
		if err := <-done; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return fmt.Errorf("loading: %w", first)
	}
	return k.check(addr)
}

func (k keyspace) loadPart(ctx context.Context, addr string, from, to int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	var batch, scratch []byte
	for i := from; i < to; i += loadBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(loadBatch, to-i)
		batch = batch[:0]
		for j := range n {
			batch = k.appendSet(batch, i+j, &scratch)
		}
		if _, err := c.conn.Write(batch); err != nil {
			return err
		}
		for range n {
			if _, err := c.read(); err != nil {
				return err
			}
		}
	}
	return nil
}

// count checks that all keys are there.
func (k keyspace) count(addr string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	if n, err := c.number("DBSIZE"); err != nil || n != k.n {
		return fmt.Errorf("of %d keys that were loaded there are %d (%v)", k.n, n, err)
	}
	return nil
}

// check counts the keys and reads a thousand of them.
func (k keyspace) check(addr string) error {
	if err := k.count(addr); err != nil {
		return err
	}
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	var key [keyLen]byte
	var want []byte
	for i := 0; i < k.n; i += max(1, k.n/1000) {
		putKey(key[:], i)
		got, err := c.do("GET", string(key[:]))
		if err != nil {
			return err
		}
		want = k.appendValue(want[:0], i)
		if !bytes.Equal(got.text, want) {
			return fmt.Errorf("%s is not what was loaded", key)
		}
	}
	return nil
}
