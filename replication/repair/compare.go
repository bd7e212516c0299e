package repair

import (
	"bytes"
	"cmp"
	"errors"

	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
)

// page is a part of a slot's records, in their order: all from a hash on up to next, or up
// to the end if there is no more.
type page struct {
	list []replica.Listed
	next uint64
	more bool
}

// errPage is a page that cannot be: another node has sent it.
var errPage = errors.New("repair: a page is not in order")

// check says whether p can be the page of a slot from a hash on: whoever goes on by it comes to an end.
func (p *page) check(slot uint16, from uint64) error {
	if p.more && p.next <= from {
		return errPage
	}
	for i := range p.list {
		k := p.list[i].Key
		switch {
		case k.Slot != slot || k.Hash < from || p.more && k.Hash >= p.next:
			return errPage
		case i > 0 && compareKeys(p.list[i-1].Key, k) >= 0:
			return errPage
		}
	}
	return nil
}

// upTo is p without what stands from a hash on.
func (p *page) upTo(next uint64) []replica.Listed {
	n := len(p.list)
	for n > 0 && p.list[n-1].Key.Hash >= next {
		n--
	}
	return p.list[:n]
}

// common is the part that two pages from the same hash both know.
func common(a, b *page) (x, y []replica.Listed, next uint64, more bool) {
	switch {
	case !a.more && !b.more:
		return a.list, b.list, 0, false
	case a.more && (!b.more || a.next < b.next):
		next = a.next
	default:
		next = b.next
	}
	return a.upTo(next), b.upTo(next), next, true
}

// difference is a key whose records differ, or have to be looked at.
type difference struct {
	key    engine.Key
	listed bool // by them
}

// compare finds what differs between two lists of records in their order. A hash of 0 may stand for any record.
func compare(ours, theirs []replica.Listed) (d []difference) {
	for len(ours) > 0 || len(theirs) > 0 {
		c := 0
		switch {
		case len(ours) == 0:
			c = 1
		case len(theirs) == 0:
			c = -1
		default:
			c = compareKeys(ours[0].Key, theirs[0].Key)
		}
		switch {
		case c < 0:
			d, ours = append(d, difference{ours[0].Key, false}), ours[1:]
		case c > 0:
			d, theirs = append(d, difference{theirs[0].Key, true}), theirs[1:]
		default:
			if ours[0].Hash != theirs[0].Hash || ours[0].Hash == 0 {
				d = append(d, difference{ours[0].Key, true})
			}
			ours, theirs = ours[1:], theirs[1:]
		}
	}
	return d
}

func compareKeys(a, b engine.Key) int {
	if c := cmp.Compare(a.Hash, b.Hash); c != 0 {
		return c
	}
	return bytes.Compare(a.Name, b.Name)
}
