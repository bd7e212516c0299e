package peer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
)

// The handshake. Who connects speaks first:
//
//  1. caller → server   hello: who I am, whom I expect, a nonce
//  2. server → caller   verdict byte; if it is zero: hello, and HMAC(secret, "server", both hellos)
//  3. caller → server   HMAC(secret, "caller", both hellos)
//  4. server → caller   verdict byte
//
// A hello has a fixed size but for the cluster's name, and nothing of a stranger's
// is kept. Both nonces are in what is signed, so no proof can be used again; the
// role is in it too, so none can be sent back to who made it.
const (
	handshakeMagic   = "rldbPEER"
	handshakeVersion = 1
	nonceSize        = 32
	proofSize        = sha256.Size
	longestName      = 255
	helloFixed       = len(handshakeMagic) + 1 + 3*20 + nonceSize + 1
	longestHello     = helloFixed + longestName
)

// hello is what each side says of itself.
type hello struct {
	cluster ID
	node    ID
	expects ID // the node that the caller wants to reach; of a server, the caller
	nonce   [nonceSize]byte
	name    string
}

func appendHello(dst []byte, h hello) []byte {
	dst = append(dst, handshakeMagic...)
	dst = append(dst, handshakeVersion)
	dst = append(dst, h.cluster[:]...)
	dst = append(dst, h.node[:]...)
	dst = append(dst, h.expects[:]...)
	dst = append(dst, h.nonce[:]...)
	dst = append(dst, byte(len(h.name)))
	return append(dst, h.name...)
}

// readHello reads a hello and returns its bytes too. It looks at the magic before
// it waits for more.
func readHello(r io.Reader) (hello, []byte, error) {
	raw := make([]byte, helloFixed, longestHello)
	lead := raw[:len(handshakeMagic)+1]
	if _, err := io.ReadFull(r, lead); err != nil {
		return hello{}, nil, err
	}
	if string(lead) != handshakeMagic+string(rune(handshakeVersion)) {
		return hello{}, nil, ErrVersion
	}
	rest := raw[len(lead):]
	if _, err := io.ReadFull(r, rest); err != nil {
		return hello{}, nil, err
	}
	var h hello
	for _, field := range [][]byte{h.cluster[:], h.node[:], h.expects[:], h.nonce[:]} {
		rest = rest[copy(field, rest):]
	}
	name := raw[helloFixed : helloFixed+int(rest[0])]
	if _, err := io.ReadFull(r, name); err != nil {
		return hello{}, nil, err
	}
	h.name = string(name)
	return h, raw[:helloFixed+len(name)], nil
}

// verdicts are the bytes that end a handshake, and what they mean to who called.
var verdicts = [...]error{nil, ErrVersion, ErrCluster, ErrName, ErrSecret, ErrIdentity, ErrRefused}

func verdictOf(b byte) error {
	if int(b) >= len(verdicts) {
		return fmt.Errorf("%w: verdict %d", ErrVersion, b)
	}
	return verdicts[b]
}

func verdictByte(err error) byte {
	for i, v := range verdicts {
		if err == v {
			return byte(i)
		}
	}
	return byte(len(verdicts) - 1) // whatever Admit says: refused
}

// proof is what only who knows the secret can make.
func proof(secret, role string, caller, server []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	io.WriteString(m, role)
	m.Write(caller)
	m.Write(server)
	return m.Sum(nil)
}

func newHello(self Identity, expects ID) (hello, []byte) {
	h := hello{cluster: self.Cluster, node: self.Node, expects: expects, name: self.Name}
	rand.Read(h.nonce[:])
	return h, appendHello(nil, h)
}

// compare finds out why two nodes must not talk, as far as it shows before the
// proofs.
func compare(self Identity, other hello) error {
	switch {
	case other.name != self.Name:
		return ErrName
	case other.cluster != self.Cluster:
		return ErrCluster
	}
	return nil
}

// call is the caller's side of the handshake, with the node that it expects.
func call(rw io.ReadWriter, self Identity, expects ID) error {
	_, mine := newHello(self, expects)
	if _, err := rw.Write(mine); err != nil {
		return err
	}
	if err := readVerdict(rw); err != nil {
		return err
	}
	theirs, raw, err := readHello(rw)
	if err != nil {
		return err
	}
	if err := compare(self, theirs); err != nil {
		return err
	}
	if theirs.node != expects {
		return ErrIdentity
	}
	if err := readProof(rw, proof(self.Secret, "server", mine, raw)); err != nil {
		return err
	}
	if _, err := rw.Write(proof(self.Secret, "caller", mine, raw)); err != nil {
		return err
	}
	return readVerdict(rw)
}

// answer is the server's side of the handshake. It returns who called. admit says
// whether a node that proved to know the secret may come in.
func answer(rw io.ReadWriter, self Identity, admit func(ID) error) (ID, error) {
	theirs, raw, err := readHello(rw)
	if err == nil {
		if err = compare(self, theirs); err == nil && theirs.expects != self.Node {
			err = ErrIdentity
		}
	}
	if err != nil {
		return ID{}, refuse(rw, err)
	}
	_, mine := newHello(self, theirs.node)
	out := append([]byte{0}, mine...)
	if _, err := rw.Write(append(out, proof(self.Secret, "server", raw, mine)...)); err != nil {
		return ID{}, err
	}
	if err := readProof(rw, proof(self.Secret, "caller", raw, mine)); err != nil {
		return ID{}, refuse(rw, err)
	}
	if err := admit(theirs.node); err != nil {
		refuse(rw, ErrRefused)
		return ID{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	_, err = rw.Write([]byte{0})
	return theirs.node, err
}

// refuse tells the other side of a refusal; of a broken connection there is nobody
// to tell.
func refuse(w io.Writer, err error) error {
	for _, v := range verdicts[1:] {
		if err == v {
			w.Write([]byte{verdictByte(err)})
		}
	}
	return err
}

func readVerdict(r io.Reader) error {
	var b [1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	return verdictOf(b[0])
}

func readProof(r io.Reader, want []byte) error {
	var got [proofSize]byte
	if _, err := io.ReadFull(r, got[:]); err != nil {
		return err
	}
	if !hmac.Equal(got[:], want) {
		return ErrSecret
	}
	return nil
}
