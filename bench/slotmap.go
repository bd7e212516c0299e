package main

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
)

// slots is the number of them in a cluster.
const slots = 16384

// slotMap says which node serves each slot: its client address.
type slotMap [slots]string

// slotOf is the slot of a key: of its hash tag, if it has one.
func slotOf(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if n := bytes.IndexByte(key[open+1:], '}'); n > 0 {
			key = key[open+1 : open+1+n]
		}
	}
	return int(crc16(key)) % slots
}

// crc16 is CRC-16/XMODEM, bit by bit: slots of keys are computed once.
func crc16(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

// slotMapOf asks a node. A map that leaves a slot out is an error.
func slotMapOf(addr string) (*slotMap, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	r, err := c.tree("CLUSTER", "SLOTS")
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS of %s: %w", addr, err)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	m, err := parseSlots(r, host)
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS of %s: %w", addr, err)
	}
	return m, nil
}

// parseSlots reads the reply to CLUSTER SLOTS. The first node of a range is the
// one that serves it; one without a host is where the reply came from.
func parseSlots(r any, host string) (*slotMap, error) {
	ranges, ok := r.([]any)
	if !ok {
		return nil, fmt.Errorf("%.100v is no list", r)
	}
	var m slotMap
	for _, one := range ranges {
		from, to, addr, err := parseRange(one, host)
		if err != nil {
			return nil, err
		}
		for s := from; s <= to; s++ {
			if m[s] != "" && m[s] != addr {
				return nil, fmt.Errorf("slot %d is served by %s and by %s", s, m[s], addr)
			}
			m[s] = addr
		}
	}
	for s, addr := range m {
		if addr == "" {
			return nil, fmt.Errorf("slot %d is served by nobody", s)
		}
	}
	return &m, nil
}

// parseRange reads [from to [host port ...] ...].
func parseRange(r any, host string) (from, to int, addr string, err error) {
	fail := fmt.Errorf("%.100v is no range of slots", r)
	f, ok := r.([]any)
	if !ok || len(f) < 3 {
		return 0, 0, "", fail
	}
	first, okFrom := f[0].(int64)
	last, okTo := f[1].(int64)
	node, okNode := f[2].([]any)
	if !okFrom || !okTo || !okNode || first < 0 || first > last || last >= slots || len(node) < 2 {
		return 0, 0, "", fail
	}
	port, ok := node[1].(int64)
	if !ok || port < 1 || port > 65535 {
		return 0, 0, "", fail
	}
	if name, ok := node[0].(string); ok && name != "" && name != "?" {
		host = name
	}
	return int(first), int(last), net.JoinHostPort(host, strconv.FormatInt(port, 10)), nil
}

// served counts the slots of each node.
func (m *slotMap) served() map[string]int {
	n := map[string]int{}
	for _, addr := range m {
		n[addr]++
	}
	return n
}
