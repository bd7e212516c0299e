package metrics

import (
	"io"
	"maps"
	"math"
	"net/http"
	"runtime"
	"slices"

	"github.com/rldb/rldb/command"
	"github.com/rldb/rldb/engine"
	"github.com/rldb/rldb/replication/replica"
	"github.com/rldb/rldb/resp"
)

// Commands tells what was executed: a *command.Server.
type Commands interface {
	Snapshot() command.Snapshot
}

// Connections tells who is connected: a *resp.Server.
type Connections interface {
	Connected() int
	ClientMemory() int64
	Counters() resp.Counters
}

// Data tells what is stored: a *replica.Store.
type Data interface {
	Expiring() (keys, sum int64)
	Stats() engine.Stats
	Counters() replica.Counters
}

// Sources are where the figures come from.
type Sources struct {
	Commands    Commands
	Connections Connections
	Data        Data
}

// Handler serves /metrics, and /healthz, which answers "ok" as long as the
// process serves at all.
func Handler(s Sources) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var p page
		s.write(&p)
		w.Header().Set("Content-Type", contentType)
		w.Write(p.Bytes())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok")
	})
	return mux
}

func (s *Sources) write(p *page) {
	x := s.Commands.Snapshot()
	p.family("rldb_build_info", gauge, "Always 1; the labels say what runs.")
	p.sample("rldb_build_info", 1, "version", x.Version, "redis_version", x.RedisVersion, "engine", x.Engine,
		"go_version", runtime.Version())
	p.one("rldb_uptime_seconds", gauge, "Time since the node was started.", x.Uptime.Seconds())
	writeCommands(p, &x)
	s.writeConnections(p, &x)
	s.writeData(p, &x)
	writeProcess(p, &x)
}

func writeCommands(p *page, x *command.Snapshot) {
	each := func(name, kind, help string, value func(*command.CommandFigures) float64) {
		p.family(name, kind, help)
		for i := range x.Commands {
			p.sample(name, value(&x.Commands[i]), "cmd", x.Commands[i].Name)
		}
	}
	each("rldb_commands_total", counter, "Commands executed.",
		func(c *command.CommandFigures) float64 { return float64(c.Calls) })
	each("rldb_commands_failed_total", counter, "Commands executed that replied an error.",
		func(c *command.CommandFigures) float64 { return float64(c.Failed) })
	each("rldb_commands_rejected_total", counter, "Commands refused before they were executed.",
		func(c *command.CommandFigures) float64 { return float64(c.Rejected) })

	const name = "rldb_command_duration_seconds"
	p.family(name, histogram, "How long commands took.")
	for i := range x.Commands {
		c := &x.Commands[i]
		for _, s := range c.Steps {
			p.sample(name+"_bucket", float64(s.Calls), "cmd", c.Name, "le", number(s.UpTo.Seconds()))
		}
		p.sample(name+"_bucket", float64(c.Calls), "cmd", c.Name, "le", number(math.Inf(1)))
		p.sample(name+"_sum", c.Time.Seconds(), "cmd", c.Name)
		p.sample(name+"_count", float64(c.Calls), "cmd", c.Name)
	}

	p.family("rldb_error_replies_total", counter, "Error replies, by the code that they begin with.")
	for _, code := range slices.Sorted(maps.Keys(x.Errors)) {
		p.sample("rldb_error_replies_total", float64(x.Errors[code]), "code", code)
	}
	p.one("rldb_keyspace_hits_total", counter, "Keys that were read and there.", float64(x.Hits))
	p.one("rldb_keyspace_misses_total", counter, "Keys that were read and not there.", float64(x.Misses))
}

func (s *Sources) writeConnections(p *page, x *command.Snapshot) {
	n := s.Connections.Counters()
	p.one("rldb_connected_clients", gauge, "Connections that are open.", float64(s.Connections.Connected()))
	p.one("rldb_connections_total", counter, "Connections that were opened.", float64(n.Accepted))
	p.one("rldb_connections_rejected_total", counter, "Connections that were refused.", float64(n.Rejected))
	p.one("rldb_network_receive_bytes_total", counter, "Bytes that clients sent.", float64(n.In))
	p.one("rldb_network_transmit_bytes_total", counter, "Bytes that were sent to clients.", float64(n.Out))
	p.one("rldb_client_memory_bytes", gauge, "Memory of clients' buffers.", float64(s.Connections.ClientMemory()))
	p.one("rldb_pubsub_channels", gauge, "Channels that have subscribers.", float64(x.Channels))
	p.one("rldb_pubsub_patterns", gauge, "Patterns that have subscribers.", float64(x.Patterns))
}

func (s *Sources) writeData(p *page, x *command.Snapshot) {
	st := s.Data.Stats()
	expiring, _ := s.Data.Expiring()
	p.one("rldb_keys", gauge, "Keys that are stored.", float64(st.Keys))
	p.one("rldb_keys_expiring", gauge, "Keys that have an expiry.", float64(expiring))
	p.one("rldb_expired_keys_total", counter, "Keys removed since they had expired.", float64(s.Data.Counters().Expired))
	p.one("rldb_engine_live_bytes", gauge, "Keys and values with what belongs to them.", float64(st.LiveBytes))
	p.one("rldb_engine_used_bytes", gauge, "Memory that the engine takes.", float64(st.UsedBytes))
	p.one("rldb_engine_disk_bytes", gauge, "Disk space that the engine takes.", float64(st.DiskBytes))
	if len(st.Extra) > 0 {
		p.family("rldb_engine_figure", gauge, "Figures of the engine's own, by name.")
		for _, f := range st.Extra {
			p.sample("rldb_engine_figure", float64(f.Value), "name", f.Name)
		}
	}
	p.one("rldb_memory_used_bytes", gauge, "What maxmemory is held against: data and clients' buffers.", float64(x.UsedMemory))
	p.one("rldb_memory_peak_bytes", gauge, "The most that rldb_memory_used_bytes was seen to be.", float64(x.PeakMemory))
	p.one("rldb_memory_max_bytes", gauge, "maxmemory; 0 is no limit.", float64(x.MaxMemory))
}

func writeProcess(p *page, x *command.Snapshot) {
	if x.Process.Resident > 0 {
		p.one("rldb_process_resident_bytes", gauge, "Memory that the process takes.", float64(x.Process.Resident))
	}
	p.family("rldb_process_cpu_seconds_total", counter, "CPU time of the process.")
	p.sample("rldb_process_cpu_seconds_total", x.Process.CPUUser.Seconds(), "mode", "user")
	p.sample("rldb_process_cpu_seconds_total", x.Process.CPUSystem.Seconds(), "mode", "system")
	p.one("rldb_goroutines", gauge, "Goroutines that exist.", float64(runtime.NumGoroutine()))
}
