package main

import (
	"errors"
	"fmt"
	"strconv"
)

// Bounds of a reply that holds arrays: more than any server here answers.
const (
	treeDepth = 8
	treeWidth = 1 << 17
)

var errLargeReply = errors.New("a reply is deeper or longer than what is expected here")

// tree sends a command and reads a reply that may be an array: a string, an
// int64, nil, or a []any of those. An error reply is an error.
func (c *client) tree(args ...string) (any, error) {
	if _, err := c.conn.Write(appendCommand(nil, args...)); err != nil {
		return nil, err
	}
	return c.readTree(treeDepth)
}

func (c *client) readTree(depth int) (any, error) {
	first, err := c.r.Peek(1)
	switch {
	case err != nil:
		return nil, err
	case first[0] == '*':
		return c.readArray(depth)
	}
	r, err := c.read()
	switch {
	case err != nil:
		return nil, err
	case r.null:
		return nil, nil
	case r.kind == ':':
		return strconv.ParseInt(string(r.text), 10, 64)
	}
	return string(r.text), nil
}

func (c *client) readArray(depth int) (any, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(line[1 : len(line)-min(2, len(line)-1)])
	switch {
	case err != nil:
		return nil, fmt.Errorf("an array of length %q", line)
	case n < 0:
		return nil, nil
	case depth == 0 || n > treeWidth:
		return nil, errLargeReply
	}
	var all []any
	for range n {
		v, err := c.readTree(depth - 1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
