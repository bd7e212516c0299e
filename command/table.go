package command

import (
	"fmt"
	"sort"
)

// table finds rows by name. It is built once and never changes.
type table struct {
	byName map[string]*row
	rows   []*row // sorted by name
}

// maxName is the longest name that is looked up; longer words are no commands.
const maxName = 32

// allRows is the whole command table. Each group stands in a file of its own.
func allRows() []row {
	var all []row
	for _, group := range [][]row{
		stringRows(), bitmapRows(), genericRows(), transactionRows(), connectionRows(),
		serverRows(), pubsubRows(), scriptingRows(), clusterRows(), rldbRows(),
	} {
		all = append(all, group...)
	}
	return all
}

// newTable builds the table; n is the number of rows, subcommands included. A
// row that contradicts itself is a programming error and panics.
func newTable() (t *table, n int) {
	t = buildTable(allRows(), nil, &n)
	return t, n
}

func buildTable(rows []row, parent *row, n *int) *table {
	t := &table{byName: make(map[string]*row, len(rows))}
	for i := range rows {
		r := &rows[i]
		r.full, r.parent, r.index = r.name, parent, *n
		if parent != nil {
			r.full = parent.name + "|" + r.name
			r.group = parent.group
		}
		*n++
		if t.byName[r.name] != nil || len(r.name) > maxName || r.run == nil && r.sub == nil {
			panic(fmt.Sprintf("command table: row %q is doubled, too long, or does nothing", r.full))
		}
		if r.sub != nil {
			r.table = buildTable(r.sub, r, n)
		}
		t.byName[r.name] = r
		t.rows = append(t.rows, r)
	}
	sort.Slice(t.rows, func(i, j int) bool { return t.rows[i].name < t.rows[j].name })
	return t
}

// find returns the row of a name in any case, or nil.
func (t *table) find(name []byte) *row {
	var buf [maxName]byte
	if len(name) > maxName {
		return nil
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return t.byName[string(buf[:len(name)])]
}

// lookup finds the row of a command with its subcommand. r is nil for an
// unknown command; sub is false where r's subcommand is unknown.
func (t *table) lookup(args [][]byte) (r *row, sub bool) {
	r = t.find(args[0])
	if r == nil || r.table == nil || len(args) < 2 {
		return r, true
	}
	if s := r.table.find(args[1]); s != nil {
		return s, true
	}
	return r, false
}
