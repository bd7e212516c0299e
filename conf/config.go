package conf

import (
	"io/fs"
	"log/slog"
	"time"
)

// Config is the value of every key. What the keys mean to a user is in the
// table; here is what they mean to the code.
type Config struct {
	Bind           []BindAddress // where Port and TLSPort listen; empty: no TCP at all
	Port           int           // TCP port without TLS; 0: see [Config.ServesPlain]
	UnixSocket     string        // path of a unix socket; "" for none
	UnixSocketPerm fs.FileMode   // its permission bits; 0 leaves the umask's
	TCPBacklog     int           // connections the kernel queues before they are accepted
	TCPKeepalive   time.Duration // time between TCP keepalive probes, whole seconds; 0 for none
	Timeout        time.Duration // idle time after which a client is closed, whole seconds; 0 never
	MaxClients     int           // connections at once
	IOThreads      int           // connection loops; 0: chosen by the machine

	ProtectedMode bool   // without a password, refuse clients from other machines
	Requirepass   Secret // what AUTH must be given; "" for no password

	TLSPort int    // TCP port with TLS; 0 for none
	TLSCert string // path of the PEM certificate chain
	TLSKey  string // path of its PEM private key
	TLSCA   string // path of PEM certificates that clients' certificates are checked with; "" asks for none

	ProtoMaxBulkLen         int64        // bytes of one argument
	MaxInline               int64        // bytes of one inline command
	MaxArgs                 int          // arguments of one command
	ClientQueryBufferLimit  int64        // bytes of one client's unfinished and waiting commands
	ClientOutputBufferLimit OutputLimits // bytes of replies that a client has not read
	MaxmemoryClients        MemoryShare  // bytes of all clients' buffers together; see [Config.ClientMemory]

	Engine          string // "memory", "bitcask" or "lsm"
	Dir             string // absolute path of the data directory; the memory engine leaves it alone
	Fsync           string // "always", "everysec" or "no"
	Maxmemory       int64  // bytes of data after which writes are refused; 0 for no limit
	MaxmemoryPolicy string // "noeviction"

	BitcaskSegmentSize int64 // bytes of a complete segment
	BitcaskMergeRate   int64 // bytes a second
	BitcaskScrubRate   int64 // bytes a second; 0 does not scrub
	BitcaskTailSize    int64 // bytes that may wait for a write(2)
	BitcaskThreads     int   // goroutines that read from the disk, and as many that write
	LSMBlockCache      int64 // bytes
	LSMMemtableSize    int64 // bytes of one memtable
	LSMThreads         int   // goroutines that read, and as many that read what is to be changed: one writes; 0: chosen by the machine

	Cluster       bool          // take part in a cluster
	ClusterName   string        // nodes of clusters with other names are refused
	ClusterSecret Secret        // what members must know; "" for none
	Join          []string      // client addresses, host:port, of nodes whose cluster this one joins by itself
	Advertise     HostPort      // what clients are told; an empty host is one of this machine
	PeerAdvertise HostPort      // what members are told
	PeerPort      int           // TCP port of the calls between nodes; 0: see [Config.PeerPorts]
	GossipPort    int           // TCP and UDP port of gossip; 0: the same
	TLSCluster    bool          // calls between nodes are encrypted, with the TLS files
	N, R, W       int           // copies of a key, and how many of them a read and a write need
	Sloppy        bool          // members that own nothing of a key stand in for owners that are not reachable
	Zone          string        // where the node is; copies are spread over zones
	Weight        int           // share of the slots, beside the other members' weights
	NodeTimeout   time.Duration // a member that is silent for so long is suspected, whole milliseconds
	ClusterNudge  bool          // tell clients with an old slot map to look again
	SlotsReplicas bool          // CLUSTER SLOTS names the other owners too

	SlowlogLogSlowerThan    int    // commands slower than so many microseconds are noted; below 0 none
	SlowlogMaxLen           int    // entries kept
	LatencyMonitorThreshold int    // events slower than so many milliseconds are noted; 0 none
	MetricsPort             int    // TCP port of the Prometheus metrics; 0 for none
	LogLevel                string // "debug", "info", "warn" or "error"; see [Config.Level]
	LogFormat               string // "text" or "json"
	RedisVersion            string // the version that HELLO and INFO tell clients

	// Facts about this process, which no source can set.

	File          string // absolute path of the config file; "" if there is none
	WorkDir       string // working directory
	MachineMemory int64  // bytes of memory this process may use; 0 if unknown
}

// BindAddress is one address to listen on.
type BindAddress struct {
	Text     string // as it was given
	Network  string // for net.Listen: "tcp", or "tcp4" or "tcp6" for all addresses of one family
	Host     string // an IP address or a host name; "" for all addresses
	Optional bool   // go on without it if this machine does not have it
}

// HostPort is an address to tell others. A zero port is the one that is listened
// on, an empty host one of this machine.
type HostPort struct {
	Host string
	Port int
}

// PeerPorts are the ports of calls and of gossip, given the port of clients: 10000
// and 20000 above it unless they are set. 0 is any free one.
func (c *Config) PeerPorts(clients int) (peer, gossip int) {
	peer, gossip = c.PeerPort, c.GossipPort
	if c.Port == 0 && c.TLSPort == 0 {
		return peer, gossip
	}
	if peer == 0 {
		peer = clients + peerPortAbove
	}
	if gossip == 0 {
		gossip = clients + gossipPortAbove
	}
	return peer, gossip
}

// How far above the port of clients the ports of members are.
const (
	peerPortAbove   = 10000
	gossipPortAbove = 20000
)

// clientPort is the port that clients are expected at, 0 if any is.
func (c *Config) clientPort() int {
	if c.Port == 0 {
		return c.TLSPort
	}
	return c.Port
}

// OutputLimits is how much a client may leave unread, by its class.
type OutputLimits struct {
	Normal  OutputLimit
	Replica OutputLimit // nobody is in it today; Redis has the class
	Pubsub  OutputLimit
}

// OutputLimit closes a client with more than Hard bytes unread, or with more
// than Soft bytes for all of SoftFor. 0 switches either off.
type OutputLimit struct {
	Hard    int64         // bytes
	Soft    int64         // bytes
	SoftFor time.Duration // whole seconds
}

// MemoryShare is an amount of memory: fixed, relative, or left to the machine.
type MemoryShare struct {
	Auto    bool  // a quarter of the machine's memory, and 1 GiB at least
	Percent int   // 1 to 100; 0: Bytes counts
	Bytes   int64 // 0 for no limit
}

// floorOfAuto is the least that "auto" gives, and what stands in for the
// machine's memory when it is not known.
const floorOfAuto = 1 << 30

// ClientMemory is the cap of MaxmemoryClients in bytes; 0 for no limit. A
// percentage is of Maxmemory as in Redis, or of the machine's memory if that is
// not set, so that a percentage always bounds something.
func (c *Config) ClientMemory() int64 {
	machine := max(c.MachineMemory, floorOfAuto)
	switch share := c.MaxmemoryClients; {
	case share.Auto:
		return max(machine/4, floorOfAuto)
	case share.Percent > 0:
		whole := machine
		if c.Maxmemory > 0 {
			whole = c.Maxmemory
		}
		// Dividing first cannot overflow; the remainder's part is less than 100 bytes.
		return max(whole/100*int64(share.Percent), 1)
	default:
		return share.Bytes
	}
}

// ServesPlain reports whether the port without TLS is open. Port 0 means "pick
// a free one", except beside a TLSPort: there it is Redis's way to say that all
// clients must use TLS, and opening a plain port would be a hole.
func (c *Config) ServesPlain() bool {
	return len(c.Bind) > 0 && (c.Port != 0 || c.TLSPort == 0)
}

// Durable says whether the engine keeps its data when the node ends.
func (c *Config) Durable() bool { return c.Engine != "memory" }

// Level is LogLevel for log/slog.
func (c *Config) Level() slog.Level {
	switch c.LogLevel {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
