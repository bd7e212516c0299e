package command

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// Settings are what commands need to know of the configuration. A Settings
// value is never changed once it was handed to a Server. Sizes are bytes.
type Settings struct {
	RequirePass      string
	MaxMemory        int64         // 0: no limit
	MaxBulk          int64         // proto-max-bulk-len
	MaxQuery         int64         // client-query-buffer-limit: also what MULTI may queue
	SlowlogThan      time.Duration // negative: off
	SlowlogMax       int
	LatencyThreshold time.Duration // 0: off
	Nudge            bool          // cluster-nudge: see worker.nudge
	SlotsReplicas    bool          // slots-replicas: CLUSTER SLOTS tells the other owners, too
	RedisVersion     string        // what clients are told
}

// Config is CONFIG's side of the configuration.
type Config interface {
	// Get returns the names and values that match any of the patterns.
	Get(patterns ...string) [][2]string
	// Set changes all the settings or none, and may wait for a disk. The error's
	// text is what follows "ERR " in the reply. TrySet is Set if that need not
	// wait; false means that nothing has happened.
	Set(pairs [][2]string) error
	TrySet(pairs [][2]string) (done bool, err error)
	Rewrite() error
}

// Front is the front end as commands see it: who is connected.
type Front interface {
	Each(func(*resp.Session) bool)
	Connected() int
	Serving() int // goroutines that serve connection loops
	ClientMemory() int64
	Counters() resp.Counters
}

// Options are what a Server is built with.
type Options struct {
	Store    *replica.Store
	Config   Config
	Settings Settings
	Engine   string // the engine's name, for INFO
	Version  string // rldb's own
	Port     func() int
	File     string // the config file's path, if there is one
	Log      *slog.Logger
	// Durable says that the engine keeps its data when the node ends. Tidy has
	// it begin to win back disk space, and returns at once; nil: it cannot.
	Durable bool
	Tidy    func()
	// Cluster is what the node is part of, nil if it stands alone. Until the first
	// view is set (SetTopology) clients wait.
	Cluster Cluster
	// Copies carries out what a cluster's clients do with keys, by these quorums;
	// nil: the store is all there is.
	Copies  Copies
	Quorums Quorums
	// Shutdown ends the node, for SHUTDOWN. It returns at once.
	Shutdown func()
}

// Server executes commands: it is the front end's Handler. It is safe for use
// by many workers; what they share is here, and each part has its own lock.
type Server struct {
	table    *table
	store    *replica.Store
	front    Front
	config   Config
	settings atomic.Pointer[Settings]
	opt      Options
	log      *slog.Logger
	started  time.Time
	runID    string

	// topology is nil exactly if cluster is: the node stands alone.
	topology  atomic.Pointer[Topology]
	cluster   Cluster
	changes   changes
	followers followers
	nudges    nudges
	bounces   bounces

	copies     Copies  // nil: the store is all there is
	records    records // copies, or the store's
	quorums    Quorums
	inOrder    bool // of the store: see replica.Store.InOrder
	background background
	inFlight   sync.WaitGroup // transactions that were started and are not over
	commits    commits
	waits      waits
	// following is what WAIT asks about a client's last write; tests have another.
	following func(*client) followed

	stats    stats
	clients  clients
	hub      hub
	monitors monitors
	slowlog  slowlog
	latency  latency
	pause    pause
	starting pause // until the first view of the cluster is there
	admin    adminState
}

// New returns a Server; Attach completes it.
func New(o Options) *Server {
	s := &Server{store: o.Store, config: o.Config, opt: o, log: o.Log, started: time.Now(), runID: randomID(), cluster: o.Cluster}
	s.changes.init()
	s.following = (*client).lastWrite
	if o.Cluster != nil {
		s.topology.Store(&Topology{me: -1, early: true})
		s.starting.begin(pauseAll, maxPause)
	}
	s.copies, s.records, s.quorums = o.Copies, o.Copies, o.Quorums
	if s.copies == nil {
		s.records, s.quorums = ownRecords{o.Store}, Quorums{N: 1, R: 1, W: 1}
	}
	s.inOrder = o.Store.InOrder()
	var rows int
	s.table, rows = newTable()
	s.stats.init(rows)
	s.SetSettings(o.Settings)
	s.admin.init(s.started)
	return s
}

// Attach tells the server the front end that serves it, before any client
// connects.
func (s *Server) Attach(f Front) { s.front = f }

// Settings are the settings in force.
func (s *Server) Settings() *Settings { return s.settings.Load() }

// SetSettings replaces the settings.
func (s *Server) SetSettings(v Settings) { s.settings.Store(&v) }

// NewWorker implements resp.Handler.
func (s *Server) NewWorker() resp.Worker { return newWorker(s) }

// randomID is 40 random hexadecimal digits, as Redis's run IDs are.
func randomID() string {
	var b [20]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
