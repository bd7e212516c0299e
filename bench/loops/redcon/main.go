// Command redcon is redcon's own server in front of a sharded map: one of the
// connection loops that bench compares.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/rldb/rldb/bench/loops/shards"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: redcon ADDRESS")
		os.Exit(2)
	}
	store := shards.New()
	accept := func(redcon.Conn) bool { return true }
	err := redcon.ListenAndServe(os.Args[1], func(conn redcon.Conn, cmd redcon.Command) { serve(store, conn, cmd) }, accept, nil)
	fmt.Fprintln(os.Stderr, "redcon:", err)
	os.Exit(1)
}

func serve(store *shards.Map, conn redcon.Conn, cmd redcon.Command) {
	name, args := strings.ToLower(string(cmd.Args[0])), cmd.Args[1:]
	switch {
	case name == "set" && len(args) == 2:
		store.Set(args[0], args[1])
		conn.WriteString("OK")
	case name == "get" && len(args) == 1:
		if v, ok := store.Get(args[0]); ok {
			conn.WriteBulk(v)
		} else {
			conn.WriteNull()
		}
	case name == "dbsize":
		conn.WriteInt(store.Len())
	case name == "ping":
		conn.WriteString("PONG")
	default:
		conn.WriteError("ERR this server knows SET, GET, DBSIZE and PING")
	}
}
