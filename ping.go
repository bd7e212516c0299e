package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rldb/rldb/conf"
)

const pingHelp = `Usage: rldb ping [HOST[:PORT]] [--config FILE] [--KEY VALUE]...

Asks a node whether it answers: by default the one that this configuration is of.
Prints PONG. Exit status: 0 if it does, 1 if it does not, 2 if the configuration
cannot be.
`

// pingTime is how long a node may take to answer.
const pingTime = 3 * time.Second

// ping is "rldb ping". at is where, "" for where the configuration says.
func ping(cfg *conf.Config, err error, at string, stdout, stderr io.Writer) int {
	switch {
	case errors.Is(err, conf.ErrHelp):
		fmt.Fprint(stdout, pingHelp)
		return 0
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 2
	}
	if err := pinged(cfg, at); err != nil {
		fmt.Fprintln(stderr, "rldb ping:", err)
		return 1
	}
	fmt.Fprintln(stdout, "PONG")
	return 0
}

// pingTarget takes the address off the arguments, if there is one.
func pingTarget(args []string) (at string, rest []string) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return args[0], args[1:]
	}
	return "", args
}

func pinged(cfg *conf.Config, at string) error {
	host, port := "127.0.0.1", strconv.Itoa(max(cfg.Port, cfg.TLSPort))
	if cfg.ServesPlain() {
		port = strconv.Itoa(cfg.Port)
	}
	if len(cfg.Bind) > 0 && cfg.Bind[0].Host != "" && !net.ParseIP(cfg.Bind[0].Host).IsUnspecified() {
		host = cfg.Bind[0].Host
	}
	if at != "" {
		host = at
		if h, p, err := net.SplitHostPort(at); err == nil {
			host, port = h, p
		}
	}
	var tc *tls.Config
	if !cfg.ServesPlain() {
		var err error
		if _, tc, err = peerTLS(cfg); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingTime)
	defer cancel()
	c := client(net.JoinHostPort(host, port), string(cfg.Requirepass), tc, pingTime)
	defer c.Close()
	answer, err := c.Ping(ctx).Result()
	if err == nil && answer != "PONG" {
		err = fmt.Errorf("%s:%s answers %.80q", host, port, answer)
	}
	return err
}
