package command

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rldb/rldb/resp"
)

// The longest that a change of the cluster, an answer to a greeting, and a round of
// repair may take.
const (
	changeTime = 60 * time.Second
	greetTime  = 5 * time.Second
	repairTime = 10 * time.Minute
)

// changes are the commands that change the cluster, of which one runs at a time.
// Each is a goroutine of its own, which background.wg counts; its client waits for
// it, so that there are no more of them than clients.
type changes struct {
	turn chan struct{} // holds one token
	ctx  context.Context
	stop context.CancelFunc
}

func (x *changes) init() {
	x.turn = make(chan struct{}, 1)
	x.turn <- struct{}{}
	x.ctx, x.stop = context.WithCancel(context.Background())
}

// halt ends those that are under way.
func (x *changes) halt() {
	if x.stop != nil {
		x.stop()
	}
}

// begin waits for the turn.
func (x *changes) begin(ctx context.Context) error {
	select {
	case <-x.turn:
		return nil
	case <-ctx.Done():
		return errors.New("another change of the cluster is still under way")
	}
}

func (x *changes) end() { x.turn <- struct{}{} }

// later has do called by a goroutine of its own; the client's next command waits
// for the reply. An error's text is replied behind "ERR ".
func (c *call) later(limit time.Duration, do func(ctx context.Context, w *resp.Writer) error) {
	if c.inExec {
		c.fail("ERR CLUSTER " + upper(c.row.name) + " is not allowed in a transaction")
		return
	}
	srv, name, reply := c.srv, c.row.full, c.s.Later(true)
	srv.background.wg.Go(func() {
		defer reply.Done()
		ctx, cancel := context.WithTimeout(srv.changes.ctx, limit)
		defer cancel()
		w := reply.Writer()
		if err := srv.contained(name, func() error { return do(ctx, w) }); err != nil {
			w.Truncate(0)
			w.Error("ERR " + err.Error())
		}
	})
}

// contained turns a panic into an error: it ends one command, not the node.
func (s *Server) contained(name string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a command panicked in the background", "command", name,
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errors.New("internal error; see the server's log")
		}
	}()
	return do()
}

// change is later for what changes the cluster; the reply is OK.
func (c *call) change(do func(context.Context) error) {
	srv := c.srv
	c.later(changeTime, func(ctx context.Context, w *resp.Writer) error {
		if err := srv.changes.begin(ctx); err != nil {
			return err
		}
		defer srv.changes.end()
		if err := do(ctx); err != nil {
			return err
		}
		w.OK()
		return nil
	})
}

// force reads the word that stands at i, if there is one: FORCE.
func (c *call) force(i int) (force, ok bool) {
	switch {
	case len(c.args) == i:
		return false, true
	case len(c.args) == i+1 && c.is(i, "FORCE"):
		return true, true
	}
	c.fail(errSyntax)
	return false, false
}

func cmdClusterJoin(c *call) {
	force, ok := c.force(3)
	if !ok {
		return
	}
	host, port, found := cutPort(c.args[2])
	if !found {
		c.fail("ERR Invalid node address specified: " + excerpt(c.args[2], 128))
		return
	}
	c.join(host, port, force)
}

func (c *call) join(host []byte, port int64, force bool) {
	cluster, addr := c.srv.cluster, joinHostPort(host, port)
	c.change(func(ctx context.Context) error { return cluster.Join(ctx, addr, force) })
}

// cutPort divides "host:port", where an IPv6 address may stand in brackets.
func cutPort(b []byte) (host []byte, port int64, ok bool) {
	i := len(b) - 1
	for i >= 0 && b[i] != ':' {
		i--
	}
	if i < 1 {
		return nil, 0, false
	}
	host = b[:i]
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	port, ok = parseInt(b[i+1:])
	return host, port, ok && validHost(host) && port > 0 && port <= 65535
}

// validHost says whether text may be an address or a name.
func validHost(b []byte) bool {
	for _, ch := range b {
		switch {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9',
			ch == '.', ch == '-', ch == '_', ch == ':', ch == '%':
		default:
			return false
		}
	}
	return len(b) > 0 && len(b) <= 253
}

// cmdClusterMeet is Redis's word for JOIN; redis-cli --cluster add-node says it to
// the new node. The bus port is not needed: the greeting tells it.
func cmdClusterMeet(c *call) {
	if len(c.args) > 5 {
		c.subcommandError()
		return
	}
	port, ok := parseInt(c.args[3])
	if !ok {
		c.fail("ERR Invalid TCP base port specified: " + excerpt(c.args[3], 128))
		return
	}
	if len(c.args) == 5 {
		if _, ok := parseInt(c.args[4]); !ok {
			c.fail("ERR Invalid TCP bus port specified: " + excerpt(c.args[4], 128))
			return
		}
	}
	if !validHost(c.args[2]) || port < 1 || port > 65535 {
		c.fail("ERR Invalid node address specified: " + excerpt(c.args[2], 128) + ":" + excerpt(c.args[3], 128))
		return
	}
	c.join(c.args[2], port, false)
}

func cmdClusterLeave(c *call) {
	force, ok := c.force(2)
	if !ok {
		return
	}
	cluster := c.srv.cluster
	c.change(func(ctx context.Context) error { return cluster.Leave(ctx, force) })
}

func cmdClusterForget(c *call) {
	i := c.view.find(c.args[2])
	switch {
	case string(c.args[2]) == c.view.self.ID:
		c.fail("ERR I tried hard but I can't forget myself...")
		return
	case i < 0:
		c.unknownNode()
		return
	}
	cluster, id := c.srv.cluster, c.view.members[i].ID
	c.change(func(ctx context.Context) error { return cluster.Forget(ctx, id) })
}

// cmdClusterGreet answers another node, which wants to know whom it has before it.
func cmdClusterGreet(c *call) {
	var words []string
	for _, a := range c.args[2:] {
		words = append(words, string(a))
	}
	cluster := c.srv.cluster
	c.later(greetTime, func(ctx context.Context, w *resp.Writer) error {
		facts, err := cluster.Greet(ctx, words)
		if err != nil {
			return err
		}
		w.Map(len(facts))
		for _, f := range facts {
			w.BulkString(f[0])
			w.BulkString(f[1])
		}
		return nil
	})
}

// cmdClusterRepair has a round of repair done now. Only this client waits for it.
func cmdClusterRepair(c *call) {
	cluster := c.srv.cluster
	c.later(repairTime, func(ctx context.Context, w *resp.Writer) error {
		if err := cluster.Repair(ctx); err != nil {
			return err
		}
		w.OK()
		return nil
	})
}
