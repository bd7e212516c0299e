package coordinator

import "github.com/rldb/rldb/replication/quorum"

// batches are effects on several keys, those of one kind and node together.
type batches []batch

type batch struct {
	kind quorum.Kind
	node Node
	at   []int // keys
}

func (b *batches) add(key int, effects []quorum.Effect) {
next:
	for _, e := range effects {
		for i := range *b {
			if x := &(*b)[i]; x.kind == e.Kind && x.node == e.Target.Node {
				x.at = append(x.at, key)
				continue next
			}
		}
		*b = append(*b, batch{e.Kind, e.Target.Node, []int{key}})
	}
}
