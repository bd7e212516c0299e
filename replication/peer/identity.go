package peer

import (
	"encoding/hex"
	"errors"
)

// ID names a node or a cluster.
type ID [20]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Identity is what a node is, for the other side of a handshake.
type Identity struct {
	Cluster ID
	Name    string // the cluster's name, at most 255 bytes
	Node    ID
	Secret  string // never sent
}

// Why a handshake or a call fails. A handshake's error wraps one of the first
// group, or is the network's.
var (
	ErrVersion  = errors.New("peer: the other side speaks another version of the peer protocol, or none")
	ErrCluster  = errors.New("peer: the other node is in another cluster")
	ErrName     = errors.New("peer: the other node's cluster has another name")
	ErrSecret   = errors.New("peer: the cluster secrets differ")
	ErrIdentity = errors.New("peer: another node answers at this address")
	ErrRefused  = errors.New("peer: the other node does not accept this one as a member")

	ErrUnknown  = errors.New("peer: there is no such peer")
	ErrTimeout  = errors.New("peer: no answer in time")
	ErrFull     = errors.New("peer: too much is waiting to be sent")
	ErrTooLarge = errors.New("peer: the message is larger than a frame may be")
	ErrClosed   = errors.New("peer: closed")
	ErrBusy     = errors.New("peer: the other node has too many calls of this one under way")
)

// RemoteError is what the other node's handler answered instead of a result. The
// call itself did not fail: the node is there.
type RemoteError string

func (e RemoteError) Error() string { return string(e) }

// notSent is the error of a call that certainly has reached nobody.
type notSent struct{ cause error }

func (e notSent) Error() string { return e.cause.Error() }
func (e notSent) Unwrap() error { return e.cause }

// NotSent says whether err, of a call, means that the other node's handler certainly has
// not been given the call, and will not be: there is no such peer, it was not connected, the
// queue was full, the request too large, or the other node was busy. Of any other error
// nothing is known: the connection broke after the call may have been sent, no answer came
// in time, or the handler says that it failed.
func NotSent(err error) bool {
	var certain notSent
	return errors.As(err, &certain) || errors.Is(err, ErrUnknown) || errors.Is(err, ErrFull) ||
		errors.Is(err, ErrTooLarge) || errors.Is(err, ErrBusy)
}
