package membership

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/rldb/rldb/ring"
)

// ask is what a node says when it greets another: the arguments of CLUSTER GREET,
// as name, value, name, value.
type ask struct {
	node      ring.ID
	peer      string  // its peer address: whether it could be taken on
	vote      ring.ID // whom it wants to form the cluster; zero: nobody yet
	challenge [16]byte
}

// greeting is the answer: who a node is, and which cluster it is in.
type greeting struct {
	version string
	name    string
	cluster ring.ID // zero: none yet
	node    ring.ID
	vote    ring.ID // whom it wants to form the cluster; zero: nobody yet
	n, r, w int
	members int // of its cluster
	peer    string
	gossip  string
	refuses string // why it would not take the asker on; "": it would
	hides   bool   // it holds keys, and the asker's tokens would take slots away
	proof   [32]byte
}

func newAsk(node ring.ID, peer string, vote ring.ID) ask {
	a := ask{node: node, peer: peer, vote: vote}
	rand.Read(a.challenge[:])
	return a
}

func (a ask) args() []string {
	return []string{"node", a.node.String(), "peer", a.peer, "vote", a.vote.String(), "challenge", hex.EncodeToString(a.challenge[:])}
}

func parseAsk(args []string) (ask, error) {
	p := newParser(args)
	a := ask{node: p.id("node"), peer: p.text("peer"), vote: p.id("vote")}
	p.bytes("challenge", a.challenge[:])
	return a, p.err
}

func (g greeting) fields() []string {
	return []string{
		"version", g.version,
		"name", g.name,
		"cluster", g.cluster.String(),
		"node", g.node.String(),
		"vote", g.vote.String(),
		"n", strconv.Itoa(g.n),
		"r", strconv.Itoa(g.r),
		"w", strconv.Itoa(g.w),
		"members", strconv.Itoa(g.members),
		"peer", g.peer,
		"gossip", g.gossip,
		"refuses", g.refuses,
		"hides", strconv.FormatBool(g.hides),
		"proof", hex.EncodeToString(g.proof[:]),
	}
}

// parseGreeting reads what fields gives. Names that it does not know are those of
// later versions.
func parseGreeting(fields []string) (greeting, error) {
	p := newParser(fields)
	g := greeting{
		version: p.text("version"), name: p.text("name"), cluster: p.id("cluster"), node: p.id("node"), vote: p.id("vote"),
		n: p.number("n"), r: p.number("r"), w: p.number("w"), members: p.number("members"),
		peer: p.text("peer"), gossip: p.text("gossip"), refuses: p.text("refuses"),
		hides: p.flag("hides"),
	}
	p.bytes("proof", g.proof[:])
	return g, p.err
}

// prove is what only a node that knows the secret can answer to this challenge.
func (g greeting) prove(secret string, a ask) [32]byte {
	mac := hmac.New(sha256.New, []byte("rldb greeting\x00"+secret))
	mac.Write(a.challenge[:])
	for _, id := range []ring.ID{a.node, g.node, g.cluster, g.vote} {
		mac.Write(id[:])
	}
	return [32]byte(mac.Sum(nil))
}

// judge says why this node cannot be in a cluster with the one that answered, in
// the words for whoever asked; nil if it can.
func (g greeting) judge(o Options, a ask) error {
	switch {
	case g.node == a.node:
		return ErrItself
	case g.name != o.Name:
		return fmt.Errorf("%w: %q, not %q", ErrOtherName, g.name, o.Name)
	case !hmac.Equal(g.proof[:], proofOf(g, o, a)):
		return ErrOtherSecret
	case g.n != o.N || g.r != o.R || g.w != o.W:
		return fmt.Errorf("%w: %d, %d, %d, not %d, %d, %d", ErrOtherQuorum, g.n, g.r, g.w, o.N, o.R, o.W)
	}
	return nil
}

func proofOf(g greeting, o Options, a ask) []byte {
	proof := g.prove(o.Secret, a)
	return proof[:]
}

// parser reads names and values. Its first error stays.
type parser struct {
	values map[string]string
	err    error
}

// maxFields bounds what a greeting or its answer may hold.
const maxFields = 64

func newParser(list []string) *parser {
	p := &parser{values: map[string]string{}}
	if len(list)%2 != 0 || len(list) > maxFields {
		p.err = fmt.Errorf("%w greeting: %d fields", errMalformed, len(list))
		return p
	}
	for i := 0; i < len(list); i += 2 {
		p.values[list[i]] = list[i+1]
	}
	return p
}

func (p *parser) fail(name string) {
	if p.err == nil {
		p.err = fmt.Errorf("%w greeting: %s is missing or wrong", errMalformed, name)
	}
}

func (p *parser) text(name string) string {
	s, found := p.values[name]
	if !found || len(s) > maxText {
		p.fail(name)
		return ""
	}
	return s
}

func (p *parser) id(name string) ring.ID {
	id, err := ring.ParseID(p.values[name])
	if err != nil {
		p.fail(name)
	}
	return id
}

func (p *parser) number(name string) int {
	n, err := strconv.ParseUint(p.values[name], 10, 31)
	if err != nil {
		p.fail(name)
	}
	return int(n)
}

func (p *parser) flag(name string) bool {
	b, err := strconv.ParseBool(p.values[name])
	if err != nil {
		p.fail(name)
	}
	return b
}

func (p *parser) bytes(name string, into []byte) {
	b, err := hex.DecodeString(p.values[name])
	if err != nil || len(b) != len(into) {
		p.fail(name)
		return
	}
	copy(into, b)
}
