//go:build race

package resp

// scribble is on under the race detector: each command's arguments are copied,
// and the copy is overwritten once the handler has returned, so that a handler
// that keeps an argument without copying it is found out.
const scribble = true
