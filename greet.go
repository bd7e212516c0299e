package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/membership"
)

// greeter calls CLUSTER GREET at a client port, as any client would.
type greeter struct {
	password func() string // the present one: CONFIG SET changes it
	tls      *tls.Config
	fault    error // the TLS files cannot be used
}

func newGreeter(cfg *conf.Config, password func() string) greeter {
	g := greeter{password: password}
	if !cfg.ServesPlain() {
		_, g.tls, g.fault = peerTLS(cfg)
	}
	return g
}

// greetTime bounds a greeting whose caller has more patience.
const greetTime = 5 * time.Second

// client is a connection to a node, for one command.
func client(addr, password string, tc *tls.Config, patience time.Duration) *redis.Client {
	if tc != nil {
		tc = tc.Clone()
		if tc.ServerName == "" {
			tc.ServerName, _, _ = net.SplitHostPort(addr)
		}
	}
	return redis.NewClient(&redis.Options{
		Addr: addr, Password: password, TLSConfig: tc, Protocol: 2, DisableIdentity: true, MaxRetries: -1, PoolSize: 1,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, DialerRetries: 1, ContextTimeoutEnabled: true,
	})
}

// call is membership's Call.
func (g greeter) call(ctx context.Context, addr string, args []string) ([]string, error) {
	if g.fault != nil {
		return nil, g.fault
	}
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	c := client(addr, g.password(), g.tls, greetTime)
	defer c.Close()
	words := []any{"CLUSTER", "GREET"}
	for _, a := range args {
		words = append(words, a)
	}
	reply, err := c.Do(ctx, words...).Result()
	if err != nil {
		return nil, greetError(err)
	}
	flat, ok := flatten(reply)
	if !ok {
		return nil, fmt.Errorf("%w: its answer makes no sense", membership.ErrNotRldb)
	}
	return flat, nil
}

// flatten is a reply of strings, names and values in turn.
func flatten(reply any) ([]string, bool) {
	var flat []string
	add := func(v any) bool {
		text, ok := v.(string)
		flat = append(flat, text)
		return ok
	}
	switch reply := reply.(type) {
	case []any:
		for _, v := range reply {
			if !add(v) {
				return nil, false
			}
		}
	case map[any]any:
		for k, v := range reply {
			if !add(k) || !add(v) {
				return nil, false
			}
		}
	default:
		return nil, false
	}
	return flat, true
}

// errPassword: the other node asks for a password that is not this one's.
var errPassword = errors.New("it does not accept this node's requirepass, which must be the same in a cluster")

// greetError says what a failed greeting means.
func greetError(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		text := answer.Error()
		has := func(prefixes ...string) bool {
			for _, p := range prefixes {
				if strings.HasPrefix(text, p) {
					return true
				}
			}
			return false
		}
		switch {
		case has("NOAUTH", "WRONGPASS", "ERR AUTH <password> called without"):
			return errPassword
		case has("ERR unknown subcommand", "ERR Unknown subcommand", "ERR unknown command", "ERR This instance has cluster support disabled"):
			return fmt.Errorf("%w: %s", membership.ErrNotRldb, text)
		}
		return errors.New("it answers: " + strings.TrimPrefix(text, "ERR "))
	}
	var network net.Error
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%w: no answer in time", membership.ErrUnreachable)
	case errors.As(err, &op) && op.Op == "dial":
		return err
	}
	return fmt.Errorf("%w: %w", membership.ErrNotRldb, err) // it is there, and speaks in another way
}

// silent is go-redis's log: what it tells of, the caller is told too.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
