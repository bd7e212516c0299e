package conf

import (
	"fmt"
	"strings"
)

const helpHead = `rldb, a key/value database that speaks the Redis protocol.

Usage: rldb [--config FILE] [--KEY VALUE]...
       rldb check [--config FILE] [--dir DIR]   (verifies a stopped node's data)
       rldb ping [HOST[:PORT]] [--config FILE]  (asks whether a node answers)

Each key below is a flag (--maxclients 500 or --maxclients=500), an environment
variable (RLDB_MAXCLIENTS=500), and a key of the JSON object in the config file
({"maxclients": 500}). A flag goes before the environment, which goes before the
file. A value that begins with two dashes is given as --key=--value. Keys marked
"live" can also be changed while the node runs, by CONFIG SET.

  --config FILE   read this file first (RLDB_CONFIG)
  --version       print the version
  -h, --help      print this
`

// Help is the text that --help prints: every key, by section, with what it
// takes and its default.
func Help() string {
	var b strings.Builder
	b.WriteString(helpHead)
	for i := range table {
		fmt.Fprintf(&b, "\n%s\n", table[i].title)
		for j := range table[i].rows {
			b.WriteString(table[i].rows[j].help())
		}
	}
	return b.String()
}

func (r *row) help() string {
	if r.isFixed() {
		return fmt.Sprintf("  %s\n      %s\n", r.name, r.doc)
	}
	about := "default " + r.def
	if r.def == "" {
		about = "no default"
	}
	if r.live {
		about += ", live"
	}
	names := "--" + r.name
	if r.alias != "" {
		names += ", --" + r.alias
	}
	return fmt.Sprintf("  %s (%s)\n      %s\n      takes %s\n", names, about, r.doc, r.kind.allowed())
}
