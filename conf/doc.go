// Package conf is the node's one config: what can be set, where a setting may
// come from, and what it is now.
//
// It owns the table of keys (table.go): one row a key, from which the flags,
// the environment, the file, the help text, CONFIG GET and CONFIG SET all
// derive. It reads the sources in the order defaults, file, environment, flags,
// and reports every fault of all of them at once ([Load]). While the node runs
// it holds the config as snapshots that are never changed, only replaced
// ([Live]).
//
// It must not know the rest of the program: nothing here opens a port, reads a
// certificate or logs. The outside (arguments, environment, files, the size of
// the machine) is handed in.
//
// Invariant: a [Config] that this package hands out has passed every check of
// its keys, alone and together, and does not change any more.
package conf
