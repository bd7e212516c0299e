package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/command"
	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/record"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// node is a running rldb: its parts, in the order in which data flows.
type node struct {
	live     *conf.Live
	log      *slog.Logger
	front    *resp.Server
	commands *command.Server
	store    *replica.Store
	port     atomic.Int64 // the TCP port that is really listened on
	addrs    []net.Addr
	tlsPort  int            // the same, with TLS; 0: none
	cluster  *cluster       // nil: the node stands alone
	metrics  *http.Server   // nil: off
	serving  sync.WaitGroup // the goroutines that serve metrics
}

// start builds a node and opens its ports. shutdown is what SHUTDOWN calls.
func start(cfg *conf.Config, log *slog.Logger, level *slog.LevelVar, shutdown func()) (*node, error) {
	n := &node{live: conf.NewLive(cfg, conf.Disk()), log: log}
	raiseFileLimit(cfg.MaxClients, log)
	eng, err := openEngine(cfg, log)
	if err != nil {
		return nil, err
	}
	n.store = replica.Open(replica.Options{
		Engine: eng, Clock: record.NewClock(func() int64 { return time.Now().UnixMilli() }),
		Actor: newActor(), Replicated: cfg.Cluster, Log: log,
	})
	var member command.Cluster
	var copies command.Copies
	if cfg.Cluster {
		empty := func() bool { return n.store.Keys() == 0 }
		password := func() string { return string(n.live.Config().Requirepass) }
		if n.cluster, err = newCluster(cfg, log, n.store, empty, password); err != nil {
			n.store.Close()
			return nil, err
		}
		member, copies = n.cluster, n.cluster.replication.coord
	}
	n.commands = command.New(command.Options{
		Store: n.store, Config: n.live, Settings: settings(cfg), Engine: cfg.Engine, Version: version,
		Port: func() int { return int(n.port.Load()) }, File: cfg.File, Log: log, Shutdown: shutdown,
		Durable: cfg.Durable(), Tidy: tidy(eng), Cluster: member,
		Copies: copies, Quorums: command.Quorums{N: cfg.N, R: cfg.R, W: cfg.W, Sloppy: cfg.Sloppy},
	})
	n.front, err = resp.New(n.commands, resp.Options{Loops: loops(cfg), Adapt: cfg.IOThreads == 0, Limits: limits(cfg), Backlog: cfg.TCPBacklog, Log: log})
	if err != nil {
		n.store.Close()
		return nil, err
	}
	n.commands.Attach(n.front)
	n.live.Guard(func(old, now *conf.Config) error {
		if old.Fsync == now.Fsync {
			return nil
		}
		return setFsync(eng, now.Fsync)
	})
	n.live.OnChange(func(_, now *conf.Config) {
		n.front.SetLimits(limits(now))
		n.commands.SetSettings(settings(now))
		level.Set(now.Level())
	})
	if err := errors.Join(n.listen(cfg), n.serveMetrics(cfg), n.enter()); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// enter has the node take part in its cluster, if it has one. The ports of clients
// are open by then.
func (n *node) enter() error {
	if n.cluster == nil || len(n.addrs) == 0 {
		return nil
	}
	n.cluster.commands = n.commands
	client := int(n.port.Load())
	if client == n.tlsPort {
		client = 0
	}
	return n.cluster.start(client, n.tlsPort)
}

// close stops a node: first the clients, then what serves them.
func (n *node) close() error {
	if n.metrics != nil {
		n.metrics.Close()
		n.serving.Wait()
	}
	n.front.Close()
	n.commands.Wait()
	var err error
	if n.cluster != nil {
		err = n.cluster.close()
	}
	return errors.Join(err, n.store.Close())
}

// addresses are where the node listens, for the line that says it is ready.
func (n *node) addresses() string {
	var all []string
	for _, a := range n.addrs {
		all = append(all, a.String())
	}
	return strings.Join(all, " ")
}

// newActor is this process's name in the dots of its writes: made anew at every
// start, so that a dot is never minted twice.
func newActor() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// loops is how many connection loops there are: one a core, at most eight, if
// that is not set. How many of these cores are then used follows the load.
func loops(cfg *conf.Config) int {
	if cfg.IOThreads > 0 {
		return cfg.IOThreads
	}
	return min(runtime.GOMAXPROCS(0), 8)
}

func limits(c *conf.Config) resp.Limits {
	out := func(l conf.OutputLimit) resp.OutputLimit {
		return resp.OutputLimit{Hard: l.Hard, Soft: l.Soft, SoftTime: l.SoftFor}
	}
	return resp.Limits{
		MaxBulk:      int(c.ProtoMaxBulkLen),
		MaxArgs:      c.MaxArgs,
		MaxInline:    int(c.MaxInline),
		MaxQuery:     int(c.ClientQueryBufferLimit),
		MaxClients:   c.MaxClients,
		ClientMemory: c.ClientMemory(),
		Normal:       out(c.ClientOutputBufferLimit.Normal),
		PubSub:       out(c.ClientOutputBufferLimit.Pubsub),
		IdleTimeout:  c.Timeout,
		KeepAlive:    c.TCPKeepalive,
		Protected:    c.ProtectedMode && c.Requirepass == "",
	}
}

// times is n units, or the longest time there is if that is less.
func times(n int, unit time.Duration) time.Duration {
	if n > int(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

func settings(c *conf.Config) command.Settings {
	return command.Settings{
		RequirePass:      string(c.Requirepass),
		MaxMemory:        c.Maxmemory,
		MaxBulk:          c.ProtoMaxBulkLen,
		MaxQuery:         c.ClientQueryBufferLimit,
		SlowlogThan:      times(c.SlowlogLogSlowerThan, time.Microsecond),
		SlowlogMax:       c.SlowlogMaxLen,
		Nudge:            c.ClusterNudge,
		SlotsReplicas:    c.SlotsReplicas,
		LatencyThreshold: times(c.LatencyMonitorThreshold, time.Millisecond),
		RedisVersion:     c.RedisVersion,
	}
}
