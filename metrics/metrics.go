package metrics

import (
	"io"
	"maps"
	"math"
	"net/http"
	"runtime"
	"slices"
)

// Handler serves /metrics, and /healthz, which answers "ok" as long as the
// process serves at all.
func Handler(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var p page
		x := s.Figures()
		p.node(&x)
		w.Header().Set("Content-Type", contentType)
		w.Write(p.Bytes())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok")
	})
	return mux
}

// node writes the whole page.
func (p *page) node(x *Figures) {
	p.family("rldb_build_info", gauge, "Always 1; the labels say what runs.")
	p.sample("rldb_build_info", 1, "version", x.Version, "redis_version", x.RedisVersion, "engine", x.Engine,
		"go_version", runtime.Version())
	p.one("rldb_uptime_seconds", gauge, "Time since the node was started.", x.Uptime.Seconds())
	p.commands(x)
	p.durations(x)
	p.clients(x)
	p.data(x)
	p.process(x)
	if x.Replication != nil {
		p.replication(x.Replication)
	}
}

func (p *page) commands(x *Figures) {
	each := func(name, help string, value func(*Command) int64) {
		p.family(name, counter, help)
		for i := range x.Commands {
			p.sample(name, float64(value(&x.Commands[i])), "cmd", x.Commands[i].Name)
		}
	}
	each("rldb_commands_total", "Commands executed.", func(c *Command) int64 { return c.Calls })
	each("rldb_commands_failed_total", "Commands executed that replied an error.", func(c *Command) int64 { return c.Failed })
	each("rldb_commands_rejected_total", "Commands refused before they were executed.", func(c *Command) int64 { return c.Rejected })
	p.family("rldb_error_replies_total", counter, "Error replies, by the code that they begin with.")
	for _, code := range slices.Sorted(maps.Keys(x.Errors)) {
		p.sample("rldb_error_replies_total", float64(x.Errors[code]), "code", code)
	}
	p.one("rldb_keyspace_hits_total", counter, "Keys that were read and there.", float64(x.Hits))
	p.one("rldb_keyspace_misses_total", counter, "Keys that were read and not there.", float64(x.Misses))
}

func (p *page) durations(x *Figures) {
	const name = "rldb_command_duration_seconds"
	p.family(name, histogram, "How long commands took.")
	for i := range x.Commands {
		c := &x.Commands[i]
		for j, calls := range c.Steps {
			p.sample(name+"_bucket", float64(calls), "cmd", c.Name, "le", number(x.Steps[j].Seconds()))
		}
		p.sample(name+"_bucket", float64(c.Calls), "cmd", c.Name, "le", number(math.Inf(1)))
		p.sample(name+"_sum", c.Time.Seconds(), "cmd", c.Name)
		p.sample(name+"_count", float64(c.Calls), "cmd", c.Name)
	}
}

func (p *page) clients(x *Figures) {
	p.one("rldb_connected_clients", gauge, "Connections that are open.", float64(x.Connected))
	p.one("rldb_connections_total", counter, "Connections that were opened.", float64(x.Accepted))
	p.one("rldb_connections_rejected_total", counter, "Connections that were refused.", float64(x.Rejected))
	p.one("rldb_network_receive_bytes_total", counter, "Bytes that clients sent.", float64(x.In))
	p.one("rldb_network_transmit_bytes_total", counter, "Bytes that were sent to clients.", float64(x.Out))
	p.one("rldb_client_memory_bytes", gauge, "Memory of clients' buffers.", float64(x.ClientMemory))
	p.one("rldb_pubsub_channels", gauge, "Channels that have subscribers.", float64(x.Channels))
	p.one("rldb_pubsub_patterns", gauge, "Patterns that have subscribers.", float64(x.Patterns))
}

func (p *page) data(x *Figures) {
	p.one("rldb_keys", gauge, "Keys that are stored.", float64(x.Keys))
	p.one("rldb_keys_expiring", gauge, "Keys that have an expiry.", float64(x.Expiring))
	p.one("rldb_expired_keys_total", counter, "Keys removed since they had expired.", float64(x.Expired))
	p.one("rldb_engine_live_bytes", gauge, "Keys and values with what belongs to them.", float64(x.LiveBytes))
	p.one("rldb_engine_used_bytes", gauge, "Memory that the engine takes.", float64(x.UsedBytes))
	p.one("rldb_engine_disk_bytes", gauge, "Disk space that the engine takes.", float64(x.DiskBytes))
	if len(x.Own) > 0 {
		p.family("rldb_engine_figure", gauge, "Figures of the engine's own, by name.")
		for _, f := range x.Own {
			p.sample("rldb_engine_figure", float64(f.Value), "name", f.Name)
		}
	}
	p.one("rldb_memory_used_bytes", gauge, "What maxmemory is held against: data and clients' buffers.", float64(x.UsedMemory))
	p.one("rldb_memory_peak_bytes", gauge, "The most that rldb_memory_used_bytes was seen to be.", float64(x.PeakMemory))
	p.one("rldb_memory_max_bytes", gauge, "maxmemory; 0 is no limit.", float64(x.MaxMemory))
}

func (p *page) process(x *Figures) {
	if x.Resident > 0 {
		p.one("rldb_process_resident_bytes", gauge, "Memory that the process takes.", float64(x.Resident))
	}
	p.family("rldb_process_cpu_seconds_total", counter, "CPU time of the process.")
	p.sample("rldb_process_cpu_seconds_total", x.CPUUser.Seconds(), "mode", "user")
	p.sample("rldb_process_cpu_seconds_total", x.CPUSystem.Seconds(), "mode", "system")
	p.one("rldb_goroutines", gauge, "Goroutines that exist.", float64(runtime.NumGoroutine()))
}
