package conf

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"time"
)

// row is everything there is to know about one key.
type row struct {
	name   string // Redis's own, where Redis has the key
	alias  string // a second name, "" for none
	def    string // the default, as text; of a fixed row, none
	live   bool   // CONFIG SET may change it
	waits  bool   // … which waits for a disk: see Live.Guard
	secret bool   // its value is not shown in faults
	kind   kind
	doc    string // one line, for the help
}

// section is the rows that the help shows together.
type section struct {
	title string
	rows  []row
}

// rows ranges over the whole table in its order.
func rows(yield func(*row) bool) {
	for i := range table {
		for j := range table[i].rows {
			if !yield(&table[i].rows[j]) {
				return
			}
		}
	}
}

// find is the row of that name or alias, or nil.
func find(name string) *row {
	for r := range rows {
		if name != "" && (name == r.name || name == r.alias) {
			return r
		}
	}
	return nil
}

func (r *row) isFixed() bool {
	_, ok := r.kind.(fixed)
	return ok
}

// table is never written. To add a key: a field in Config, and a row here.
var table = []section{
	{"Network", []row{
		{name: "bind", def: "127.0.0.1", kind: addresses{func(c *Config) *[]BindAddress { return &c.Bind }},
			doc: "addresses to listen on; none at all leaves only the unix socket"},
		{name: "port", def: "6379", kind: number{func(c *Config) *int { return &c.Port }, 0, 65535},
			doc: "TCP port; 0 picks a free one, or opens none if tls-port is set"},
		{name: "unixsocket", def: "", kind: word[string]{func(c *Config) *string { return &c.UnixSocket }, "a path", isPath},
			doc: "also listen on a unix socket of this path"},
		{name: "unixsocketperm", def: "0", kind: octal{func(c *Config) *fs.FileMode { return &c.UnixSocketPerm }},
			doc: "permission bits of the unix socket; 0 leaves what the umask makes of it"},
		{name: "tcp-backlog", def: "511", kind: number{func(c *Config) *int { return &c.TCPBacklog }, 0, math.MaxInt32},
			doc: "connections that may wait to be accepted"},
		{name: "tcp-keepalive", def: "300", live: true, kind: span{func(c *Config) *time.Duration { return &c.TCPKeepalive }, time.Second, 0, math.MaxInt32},
			doc: "time between probes whether a silent client is still there; 0 sends none"},
		{name: "timeout", def: "0", live: true, kind: span{func(c *Config) *time.Duration { return &c.Timeout }, time.Second, 0, math.MaxInt32},
			doc: "close a client that has been idle for this long; 0 never does"},
		{name: "maxclients", def: "10000", live: true, kind: number{func(c *Config) *int { return &c.MaxClients }, 1, math.MaxUint32},
			doc: "most connections at once"},
		{name: "io-threads", def: "0", kind: number{func(c *Config) *int { return &c.IOThreads }, 0, 128},
			doc: "connection loops, each with a goroutine of its own; 0: one a core, at most 8, served by as many goroutines as the load asks for"},
	}},
	{"Access", []row{
		{name: "protected-mode", def: "yes", live: true, kind: yesNo{func(c *Config) *bool { return &c.ProtectedMode }},
			doc: "while there is no password, refuse clients from other machines"},
		{name: "requirepass", def: "", live: true, secret: true, kind: word[Secret]{func(c *Config) *Secret { return &c.Requirepass }, "any text", isAny},
			doc: "password that AUTH must give; empty asks for none"},
		{name: "tls-port", def: "0", kind: number{func(c *Config) *int { return &c.TLSPort }, 0, 65535},
			doc: "TCP port with TLS; 0 opens none"},
		{name: "tls-cert", alias: "tls-cert-file", def: "", kind: word[string]{func(c *Config) *string { return &c.TLSCert }, "a path", isPath},
			doc: "PEM file with the server's certificate chain"},
		{name: "tls-key", alias: "tls-key-file", def: "", kind: word[string]{func(c *Config) *string { return &c.TLSKey }, "a path", isPath},
			doc: "PEM file with the certificate's private key"},
		{name: "tls-ca", alias: "tls-ca-cert-file", def: "", kind: word[string]{func(c *Config) *string { return &c.TLSCA }, "a path", isPath},
			doc: "PEM file with authorities; clients must then show a certificate that one of them signed"},
	}},
	{"Limits", []row{
		{name: "proto-max-bulk-len", def: "512mb", live: true, kind: size{func(c *Config) *int64 { return &c.ProtoMaxBulkLen }, 1 << 20, math.MaxInt64},
			doc: "largest argument"},
		{name: "max-inline", def: "64kb", kind: size{func(c *Config) *int64 { return &c.MaxInline }, 1 << 10, 1 << 20},
			doc: "longest command sent as a plain line"},
		{name: "max-args", def: "1048576", kind: number{func(c *Config) *int { return &c.MaxArgs }, 16, math.MaxInt32},
			doc: "most arguments of one command"},
		{name: "client-query-buffer-limit", def: "1gb", live: true, kind: size{func(c *Config) *int64 { return &c.ClientQueryBufferLimit }, 1 << 20, math.MaxInt64},
			doc: "most bytes of one client that wait to be executed"},
		{name: "client-output-buffer-limit", def: "normal 1gb 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60", live: true, kind: outputLimits{func(c *Config) *OutputLimits { return &c.ClientOutputBufferLimit }},
			doc: "close a client that leaves more than HARD bytes of replies unread, or SOFT bytes for SECONDS"},
		{name: "maxmemory-clients", def: "auto", live: true, kind: share{func(c *Config) *MemoryShare { return &c.MaxmemoryClients }},
			doc: "cap over all clients' buffers together; auto is a quarter of the memory, at least 1gb; a percentage is of maxmemory, or without it of the memory"},
	}},
	{"Data", []row{
		{name: "engine", def: "bitcask", kind: choice{func(c *Config) *string { return &c.Engine }, []string{"memory", "bitcask", "lsm"}},
			doc: "how the data is kept: in memory only; in log files, with the keys in memory; in sorted files, for data larger than memory"},
		{name: "dir", def: "data", kind: directory{func(c *Config) *string { return &c.Dir }},
			doc: "directory of the data, made if it is not there; the memory engine does not use it"},
		{name: "fsync", alias: "appendfsync", def: "everysec", live: true, waits: true, kind: choice{func(c *Config) *string { return &c.Fsync }, []string{"always", "everysec", "no"}},
			doc: "when what was written is forced to the disk: before it is answered, once a second, or when the system likes; only a power loss can tell the difference"},
		{name: "maxmemory", def: "0", live: true, kind: size{func(c *Config) *int64 { return &c.Maxmemory }, 0, math.MaxInt64},
			doc: "refuse writes above this much data; 0 is no limit"},
		{name: "maxmemory-policy", def: "noeviction", live: true, kind: choice{func(c *Config) *string { return &c.MaxmemoryPolicy }, []string{"noeviction"}},
			doc: "what happens at maxmemory; nothing is ever evicted"},
	}},
	{"Engines", []row{
		{name: "bitcask-segment-size", def: "128mb", kind: size{func(c *Config) *int64 { return &c.BitcaskSegmentSize }, 1 << 10, 1 << 30},
			doc: "size at which a log file is complete; disk use is bounded in steps of it"},
		{name: "bitcask-merge-rate", def: "32mb", kind: size{func(c *Config) *int64 { return &c.BitcaskMergeRate }, 1 << 10, math.MaxInt64},
			doc: "bytes a second that merging may read and write, unless the disk would fill up faster"},
		{name: "bitcask-scrub-rate", def: "2mb", kind: size{func(c *Config) *int64 { return &c.BitcaskScrubRate }, 0, math.MaxInt64},
			doc: "bytes a second of everything on disk that are verified, again and again; 0 verifies nothing unasked"},
		{name: "bitcask-tail-size", def: "4mb", kind: size{func(c *Config) *int64 { return &c.BitcaskTailSize }, 1 << 10, 1 << 30},
			doc: "bytes that may wait to be handed to the system; beyond them writes wait for it"},
		{name: "bitcask-threads", def: "16", kind: number{func(c *Config) *int { return &c.BitcaskThreads }, 1, 4096},
			doc: "reads from the disk at once, and as many writes that have to wait for it"},
		{name: "lsm-block-cache", def: "64mb", kind: size{func(c *Config) *int64 { return &c.LSMBlockCache }, 1 << 20, math.MaxInt64},
			doc: "memory for blocks that were read"},
		{name: "lsm-memtable-size", def: "16mb", kind: size{func(c *Config) *int64 { return &c.LSMMemtableSize }, 1 << 20, 1 << 30},
			doc: "memory of one table of new writes; there are up to four"},
		{name: "lsm-threads", def: "0", kind: number{func(c *Config) *int { return &c.LSMThreads }, 0, 4096},
			doc: "reads at once, and as many of what is to be changed: one goroutine writes; 0 is 4 for each core, at least 8"},
	}},
	{"Cluster", []row{
		{name: "cluster-enabled", alias: "cluster", def: "no", kind: yesNo{func(c *Config) *bool { return &c.Cluster }},
			doc: "take part in a cluster"},
		{name: "join", def: "", kind: nodes{func(c *Config) *[]string { return &c.Join }},
			doc: "nodes whose cluster to join, tried until it works; if none is in one, the nodes of the list form it; without a list a new node forms a cluster of its own"},
		{name: "cluster-name", def: "rldb", kind: word[string]{func(c *Config) *string { return &c.ClusterName }, "1 to 64 letters, digits, dots, dashes and underscores", isClusterName},
			doc: "name of the cluster; nodes of other names are refused"},
		{name: "cluster-secret", def: "", secret: true, kind: word[Secret]{func(c *Config) *Secret { return &c.ClusterSecret }, "any text", isAny},
			doc: "what a node must know to be a member; gossip is encrypted with it"},
		{name: "advertise", def: "", kind: hostPort{func(c *Config) *HostPort { return &c.Advertise }},
			doc: "address that clients are told; without one it is the first of bind, or one of this machine"},
		{name: "peer-advertise", def: "", kind: hostPort{func(c *Config) *HostPort { return &c.PeerAdvertise }},
			doc: "address that members are told, of the peer port; without one it is the host of advertise"},
		{name: "peer-port", def: "0", kind: number{func(c *Config) *int { return &c.PeerPort }, 0, 65535},
			doc: "TCP port of calls between nodes; 0 is port + 10000"},
		{name: "gossip-port", def: "0", kind: number{func(c *Config) *int { return &c.GossipPort }, 0, 65535},
			doc: "TCP and UDP port of gossip; 0 is port + 20000"},
		{name: "tls-cluster", def: "no", kind: yesNo{func(c *Config) *bool { return &c.TLSCluster }},
			doc: "encrypt calls between nodes, with tls-cert, tls-key and tls-ca; gossip has the cluster-secret"},
		{name: "n", def: "3", kind: number{func(c *Config) *int { return &c.N }, 1, mostCopies},
			doc: "nodes that own a key; the same on all nodes"},
		{name: "r", def: "2", kind: number{func(c *Config) *int { return &c.R }, 1, mostCopies},
			doc: "owners that a read needs; the same on all nodes"},
		{name: "w", def: "2", kind: number{func(c *Config) *int { return &c.W }, 1, mostCopies},
			doc: "owners that a write needs; the same on all nodes"},
		{name: "sloppy", def: "yes", kind: yesNo{func(c *Config) *bool { return &c.Sloppy }},
			doc: "where an owner is not reachable another member takes its writes until it returns; the same on all nodes"},
		{name: "zone", def: "", kind: word[string]{func(c *Config) *string { return &c.Zone }, "up to 64 letters, digits, dots, dashes and underscores", isZone},
			doc: "where this node is, so that a key's owners are in different places"},
		{name: "weight", def: "1", kind: number{func(c *Config) *int { return &c.Weight }, 1, 100},
			doc: "this node's share of the slots, beside the weights of the others"},
		{name: "cluster-node-timeout", def: "500", kind: span{func(c *Config) *time.Duration { return &c.NodeTimeout }, time.Millisecond, 50, 60000},
			doc: "time without an answer after which a member is suspected"},
		{name: "cluster-nudge", def: "yes", live: true, kind: yesNo{func(c *Config) *bool { return &c.ClusterNudge }},
			doc: "after a change, answer one command of a client that may not know of it with -MOVED"},
		{name: "slots-replicas", def: "no", live: true, kind: yesNo{func(c *Config) *bool { return &c.SlotsReplicas }},
			doc: "CLUSTER SLOTS names all owners of a slot, not only the one that is advertised"},
	}},
	{"Watching", []row{
		{name: "slowlog-log-slower-than", def: "10000", live: true, kind: number{func(c *Config) *int { return &c.SlowlogLogSlowerThan }, -1, math.MaxInt64},
			doc: "note commands that take longer; 0 notes all, -1 none"},
		{name: "slowlog-max-len", def: "128", live: true, kind: number{func(c *Config) *int { return &c.SlowlogMaxLen }, 0, math.MaxInt64},
			doc: "entries that the slow log keeps"},
		{name: "latency-monitor-threshold", def: "0", live: true, kind: number{func(c *Config) *int { return &c.LatencyMonitorThreshold }, 0, math.MaxInt64},
			doc: "note events that take longer; 0 notes none"},
		{name: "metrics-port", def: "0", kind: number{func(c *Config) *int { return &c.MetricsPort }, 0, 65535},
			doc: "TCP port of the Prometheus metrics and /healthz; 0 opens none"},
		{name: "log-level", def: "info", live: true, kind: choice{func(c *Config) *string { return &c.LogLevel }, []string{"debug", "info", "warn", "error"}},
			doc: "least important messages that are logged"},
		{name: "log-format", def: "text", kind: choice{func(c *Config) *string { return &c.LogFormat }, []string{"text", "json"}},
			doc: "how a message is written"},
		{name: "redis-version", def: "7.2.4", kind: word[string]{func(c *Config) *string { return &c.RedisVersion }, "three numbers, as in 7.2.4", isVersion},
			doc: "Redis version that clients are told"},
	}},
	{"Facts (CONFIG GET shows them, nothing changes them)", []row{
		{name: "databases", kind: fixed{always("1"), ""},
			doc: "only database 0, as in every cluster"},
		{name: "save", live: true, kind: fixed{always(""), "there are no snapshots"},
			doc: "no snapshots"},
		{name: "appendonly", live: true, kind: fixed{appendOnly, "it follows from the engine, of which bitcask and lsm keep a log and memory keeps none"},
			doc: "whether the engine keeps the data in files"},
		{name: "notify-keyspace-events", live: true, kind: fixed{always(""), "there are no keyspace notifications"},
			doc: "no keyspace notifications"},
		{name: "hz", live: true, kind: fixed{always("10"), "background work is not driven by a clock rate"},
			doc: "what tools expect; background work keeps its own time"},
	}},
}

func always(text string) func(*Config) string {
	return func(*Config) string { return text }
}

func appendOnly(c *Config) string {
	if c.Durable() {
		return "yes"
	}
	return "no"
}

func isAny(string) error { return nil }

func isPath(text string) error {
	if strings.ContainsRune(text, 0) {
		return errors.New("a path cannot contain a zero byte")
	}
	return nil
}

// mostCopies bounds n, r and w.
const mostCopies = 16

func isZone(text string) error {
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-_", r)) {
			return errors.New("argument must be letters, digits, dots, dashes and underscores")
		}
	}
	if len(text) > 64 {
		return errors.New("argument must not be longer than 64 characters")
	}
	return nil
}

func isClusterName(text string) error {
	if text == "" {
		return errors.New("argument must not be empty")
	}
	return isZone(text)
}

func isVersion(text string) error {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if _, err := parseInteger(part, 0, math.MaxInt32); err != nil {
			parts = nil
		}
	}
	if len(parts) != 3 {
		return errors.New("argument must be a version")
	}
	return nil
}
