// Command rldb is a key/value database that speaks the Redis protocol. This
// package wires the parts together and is the only one that imports conf.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/rldb/rldb/conf"
)

// version is rldb's own version.
const version = "0.1.0"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program: 0 for a clean end, 1 for a failure, 2 for a
// configuration that cannot be.
func run(args []string, stdout, stderr io.Writer) int {
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(stderr, "rldb:", err)
		return 1
	}
	checking, pinging, target := false, false, ""
	if len(args) > 0 {
		switch args[0] {
		case "check":
			checking, args = true, args[1:]
		case "ping":
			pinging = true
			target, args = pingTarget(args[1:])
		}
	}
	cfg, err := conf.Load(conf.Sources{
		Args: args, Environ: os.Environ(), ReadFile: os.ReadFile, Dir: dir,
		Memory: func() int64 { return conf.MachineMemory(os.ReadFile) },
	})
	if checking {
		return check(cfg, err, stdout, stderr)
	}
	if pinging {
		return ping(cfg, err, target, stdout, stderr)
	}
	switch {
	case errors.Is(err, conf.ErrHelp):
		fmt.Fprint(stdout, conf.Help())
		return 0
	case errors.Is(err, conf.ErrVersion):
		fmt.Fprintln(stdout, "rldb", version)
		return 0
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 2
	}
	level := new(slog.LevelVar)
	level.Set(cfg.Level())
	log := newLogger(stderr, cfg.LogFormat, level)

	redis.SetLogger(silent{})
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	n, err := start(cfg, log, level, func() { stop <- syscall.SIGTERM })
	if err != nil {
		log.Error("rldb cannot start", "err", err)
		return 1
	}
	fmt.Fprintf(stdout, "rldb %s is ready: %s, engine %s, pid %d\n", version, n.addresses(), cfg.Engine, os.Getpid())
	sig := <-stop
	log.Info("stopping", "signal", sig.String())
	n.drain()
	if err := n.close(); err != nil {
		log.Error("stopping failed", "err", err)
		return 1
	}
	log.Info("stopped")
	return 0
}

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
