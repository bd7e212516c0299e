//go:build !race

package resp

const scribble = false
