// Package glob matches strings against Redis's glob patterns, as KEYS, SCAN
// MATCH, PSUBSCRIBE and CONFIG GET use them.
//
// It owns the meaning of a pattern. It must not know what is matched: keys,
// channels and setting names are all bytes here.
//
// Invariant: a match costs at most len(pattern) × len(s) steps and allocates
// nothing, whatever a client sends.
package glob
