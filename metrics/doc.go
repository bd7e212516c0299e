// Package metrics tells Prometheus how the node is doing.
//
// It owns the names of the metrics and the text format in which they are
// served. It must not know who opens the port, nor change anything: it reads
// through a [Source], each time it is asked.
//
// Invariant: a page names every metric family once, with its help and type
// before its samples, and holds no sample twice; histograms are cumulative.
package metrics
