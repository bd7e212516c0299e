package command

import "testing"

func TestKeys(t *testing.T) {
	playTable(t, []genericStep{
		{"SET a 1", "+OK"},
		{"SET b 2", "+OK"},
		{`SET "" e`, "+OK"},
		{"EXISTS a b missing a", ":3"},
		{"TOUCH a missing b", ":2"},
		{`TYPE ""`, "+string"},
		{"TYPE missing", "+none"},
		{"DBSIZE", ":3"},
		{"DEL a a missing b", ":2"},
		{`UNLINK "" ""`, ":1"},
		{"EXISTS a b", ":0"},
		{"DBSIZE", ":0"},
		{"DEL", "-ERR wrong number of arguments for 'del' command"},
		{"UNLINK", "-ERR wrong number of arguments for 'unlink' command"},
		{"EXISTS", "-ERR wrong number of arguments for 'exists' command"},
		{"TOUCH", "-ERR wrong number of arguments for 'touch' command"},
		{"TYPE a b", "-ERR wrong number of arguments for 'type' command"},
		{"DBSIZE x", "-ERR wrong number of arguments for 'dbsize' command"},
	})
}

func TestRename(t *testing.T) {
	playTable(t, []genericStep{
		{"RENAME a b", "-ERR no such key"},
		{"RENAME a a", "-ERR no such key"},
		{"RENAMENX a a", "-ERR no such key"},
		{"SET a 1", "+OK"},
		{"EXPIREAT a 4102444800", ":1"},
		{"SET b 2", "+OK"},
		{"RENAMENX a b", ":0"},
		{"RENAMENX a a", ":0"},
		{"RENAME a a", "+OK"},
		{"RENAME a b", "+OK"},
		{"EXISTS a", ":0"},
		{"GET b", `"1"`},
		{"EXPIRETIME b", ":4102444800"},
		{"RENAMENX b c", ":1"},
		{"EXPIRETIME c", ":4102444800"},
		{"SET b 2", "+OK"},
		{"RENAME b c", "+OK"}, // the expiry goes too
		{"TTL c", ":-1"},
		{"RENAME a", "-ERR wrong number of arguments for 'rename' command"},
		{"RENAMENX a b c", "-ERR wrong number of arguments for 'renamenx' command"},
	})
}

func TestCopy(t *testing.T) {
	playTable(t, []genericStep{
		{"COPY a b", ":0"},
		{"SET a 1", "+OK"},
		{"EXPIREAT a 4102444800", ":1"},
		{"COPY a b", ":1"},
		{"GET b", `"1"`},
		{"EXPIRETIME b", ":4102444800"},
		{"COPY a b", ":0"},
		{"SET a 2", "+OK"},
		{"COPY a b DB 0 replace REPLACE db 0", ":1"},
		{"GET b", `"2"`},
		{"TTL b", ":-1"},
		{"GET a", `"2"`},
		{"COPY a a", "-ERR source and destination objects are the same"},
		{"COPY missing missing REPLACE", "-ERR source and destination objects are the same"},
		{"COPY a a DB 1", "-ERR DB index is out of range"},
		{"COPY a b DB -1", "-ERR DB index is out of range"},
		{"COPY a b DB x", "-ERR value is not an integer or out of range"},
		{"COPY a b DB 00", "-ERR value is not an integer or out of range"},
		{"COPY a b DB 2147483648", "-ERR value is out of range, value must between -2147483648 and 2147483647"},
		{"COPY a b REPLACE FOO", "-ERR syntax error"},
		{"COPY a b REPLACE DB", "-ERR syntax error"},
		{"COPY a", "-ERR wrong number of arguments for 'copy' command"},
	})
}

// TestOneDatabase holds what a server with one database answers about others.
func TestOneDatabase(t *testing.T) {
	const outOf32Bits = "-ERR value is out of range, value must between -2147483648 and 2147483647"
	playTable(t, []genericStep{
		{"SELECT 0", "+OK"},
		{"SELECT 1", "-ERR DB index is out of range"},
		{"SELECT -1", "-ERR DB index is out of range"},
		{"SELECT x", "-ERR value is not an integer or out of range"},
		{"SELECT -2147483649", outOf32Bits},
		{"SELECT 9223372036854775808", "-ERR value is not an integer or out of range"},
		{"SELECT", "-ERR wrong number of arguments for 'select' command"},
		{"SWAPDB 0 0", "+OK"},
		{"SWAPDB 0 1", "-ERR DB index is out of range"},
		{"SWAPDB 1 x", "-ERR invalid second DB index"},
		{"SWAPDB x 1", "-ERR invalid first DB index"},
		{"SWAPDB 2147483648 0", "-ERR invalid first DB index"},
		{"SWAPDB 0", "-ERR wrong number of arguments for 'swapdb' command"},
		{"SET a 1", "+OK"},
		{"MOVE a 0", "-ERR source and destination objects are the same"},
		{"MOVE missing 0", "-ERR source and destination objects are the same"},
		{"MOVE a 1", "-ERR DB index is out of range"},
		{"MOVE a x", "-ERR value is not an integer or out of range"},
		{"MOVE a 2147483648", outOf32Bits},
		{"MOVE a", "-ERR wrong number of arguments for 'move' command"},
		{"GET a", `"1"`},
	})
}

func TestObject(t *testing.T) {
	const v44 = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
	playTable(t, []genericStep{
		{"SET int -9223372036854775808", "+OK"},
		{"OBJECT ENCODING int", `"int"`},
		{"SET int 9223372036854775808", "+OK"},
		{"OBJECT ENCODING int", `"embstr"`},
		{"SET int 007", "+OK"},
		{"OBJECT ENCODING int", `"embstr"`},
		{"SET short " + v44, "+OK"},
		{"OBJECT encoding short", `"embstr"`},
		{"SET long " + v44 + "e", "+OK"},
		{"object Encoding long", `"raw"`},
		{`SET empty ""`, "+OK"},
		{"OBJECT ENCODING empty", `"embstr"`},
		{"OBJECT REFCOUNT long", ":1"},
		{"OBJECT IDLETIME long", ":0"},
		{"OBJECT FREQ long", "-" + errNoLFU},
		{"OBJECT ENCODING missing", "nil"},
		{"OBJECT REFCOUNT missing", "nil"},
		{"OBJECT IDLETIME missing", "nil"},
		{"OBJECT FREQ missing", "nil"},
		{"OBJECT", "-ERR wrong number of arguments for 'object' command"},
		{"OBJECT FREQ", "-ERR wrong number of arguments for 'object|freq' command"},
		{"OBJECT HELP me", "-ERR wrong number of arguments for 'object|help' command"},
		{"OBJECT FOO long", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."},
	})
}

func TestObjectHelp(t *testing.T) {
	c := dialGeneric(t, newGenericNode(t, 3).addr)
	got := c.do("OBJECT", "HELP")
	want := "[+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are: " +
		"+ENCODING <key> +    Names the encoding that Redis would give such a value: int, embstr or raw. " +
		"+FREQ <key> +    Always fails: how often keys are used is not counted. +HELP +    Lists the subcommands. " +
		"+IDLETIME <key> +    Gives 0 for every key: times of access are not kept. " +
		"+REFCOUNT <key> +    Gives 1 for every key: values are not shared.]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
