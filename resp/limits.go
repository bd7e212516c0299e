package resp

import "time"

// Limits bounds what clients may do. A Limits value is never changed once it
// was handed to a Server; SetLimits replaces it. Sizes are bytes.
type Limits struct {
	MaxBulk    int // one argument (proto-max-bulk-len)
	MaxArgs    int // arguments of one command
	MaxInline  int // an inline command, and a length line
	MaxQuery   int // one client's unfinished command (client-query-buffer-limit)
	MaxClients int // connections (maxclients)
	// ClientMemory caps the buffers of all clients together
	// (maxmemory-clients); above it the largest client is closed. 0: no cap.
	ClientMemory int64
	Normal       OutputLimit // clients that send commands
	PubSub       OutputLimit // clients that are sent messages
	IdleTimeout  time.Duration
	KeepAlive    time.Duration // TCP keepalive's idle time; 0: off
	// Protected refuses connections that do not come from this machine.
	Protected bool
}

// OutputLimit bounds the replies and messages waiting for one client, which is
// closed above Hard bytes, or when it stays above Soft bytes for SoftTime.
// 0 means no limit.
type OutputLimit struct {
	Hard, Soft int64
	SoftTime   time.Duration
}

// DefaultLimits are the limits of a server that is not configured otherwise.
// They are Redis's, but for Normal.Hard and ClientMemory, which Redis leaves
// without a bound.
func DefaultLimits() Limits {
	return Limits{
		MaxBulk:      512 << 20,
		MaxArgs:      1 << 20,
		MaxInline:    64 << 10,
		MaxQuery:     1 << 30,
		MaxClients:   10000,
		ClientMemory: 4 << 30,
		Normal:       OutputLimit{Hard: 1 << 30},
		PubSub:       OutputLimit{Hard: 32 << 20, Soft: 8 << 20, SoftTime: time.Minute},
		KeepAlive:    5 * time.Minute,
	}
}

// Bounds that are not settings.
const (
	// A client that has not authenticated may send this many arguments of
	// this many bytes, as with Redis.
	untrustedArgs = 10
	untrustedBulk = 16 << 10

	// flushAt is how many bytes of replies gather before they are written in
	// the middle of a pipeline.
	flushAt = 64 << 10
	// pauseAt is how many bytes of replies may wait for a client that does not
	// take them before it is not served further until it does. It is not
	// less because many clients write a whole pipeline before they read: were
	// they not read from, both sides would wait for ever. When all clients
	// together take more than half of ClientMemory, flushAt takes its place.
	pauseAt = 64 << 20
	// readSize is a loop's read buffer; keepBuffer the largest buffer that a
	// loop or a session keeps once it is empty; keepSpare bounds the reply
	// buffers that a loop keeps for its sessions, all together. It is room for
	// as many small ones as sessions are served in one round: with less, a
	// round of 50 clients made garbage of 34 buffers, and the collector ran
	// 90 times a second.
	readSize   = 64 << 10
	keepBuffer = 256 << 10
	keepSpare  = maxEvents * bufferSize
	// turnBytes is how much of one client's bytes a loop moves in one turn, in
	// each direction, before it serves the others.
	turnBytes = 1 << 20
	// maxEvents is how many sockets a loop serves in one round.
	maxEvents = 128
	// maxLaters is how many replies of one session may be outstanding; the
	// session executes no further commands until one of them is known.
	maxLaters = 1024
)
