package conf

import (
	"runtime"
	"strconv"
)

// clashes checks the keys against each other.
func clashes(c *Config) []clash {
	var found []clash
	add := func(reason string, keys ...string) { found = append(found, clash{keys, reason}) }

	if len(c.Bind) == 0 && c.UnixSocket == "" {
		add("there is nothing to listen on: give an address, or a unixsocket", "bind", "unixsocket")
	}
	if len(c.Bind) == 0 && c.TLSPort != 0 {
		add("a TLS port needs an address to listen on", "tls-port", "bind")
	}
	if longest := longestSocketPath(runtime.GOOS); len(c.UnixSocket) > longest {
		add("the path is longer than the system allows for a socket ("+strconv.Itoa(longest)+" bytes)", "unixsocket")
	}

	if c.TLSCert != "" && c.TLSKey == "" {
		add("a certificate needs its private key: give tls-key", "tls-cert", "tls-key")
	}
	if c.TLSKey != "" && c.TLSCert == "" {
		add("a private key needs its certificate: give tls-cert", "tls-key", "tls-cert")
	}
	if c.TLSPort != 0 && c.TLSCert == "" && c.TLSKey == "" {
		add("a TLS port needs tls-cert and tls-key", "tls-port", "tls-cert", "tls-key")
	}
	// Who gives a certificate believes the traffic to be encrypted.
	if c.TLSPort == 0 && !c.TLSCluster {
		for _, file := range []struct{ key, value string }{{"tls-cert", c.TLSCert}, {"tls-ca", c.TLSCA}} {
			if file.value != "" {
				add("has no effect without tls-port", file.key, "tls-port")
			}
		}
	}

	clusterClashes(c, add)
	ports := []namedPort{{"port", c.Port}, {"tls-port", c.TLSPort}, {"metrics-port", c.MetricsPort}}
	if c.Cluster {
		peer, gossip := c.PeerPorts(c.clientPort())
		ports = append(ports, namedPort{"peer-port", peer}, namedPort{"gossip-port", gossip})
	}
	for i, a := range ports {
		for _, b := range ports[:i] {
			if a.port != 0 && a.port == b.port {
				add("is the same port as "+b.key, a.key, b.key)
			}
		}
	}
	return found
}

type namedPort struct {
	key  string
	port int
}

// clusterClashes checks the keys of the cluster against each other.
func clusterClashes(c *Config, add func(reason string, keys ...string)) {
	if !c.Cluster {
		for _, k := range []struct {
			key   string
			given bool
		}{{"join", len(c.Join) > 0}, {"cluster-secret", c.ClusterSecret != ""}, {"tls-cluster", c.TLSCluster}} {
			if k.given {
				add("has no effect without cluster-enabled", k.key, "cluster-enabled")
			}
		}
		return
	}
	if len(c.Bind) == 0 {
		add("a node of a cluster needs an address to listen on", "cluster-enabled", "bind")
	}
	if c.R > c.N {
		add("is more than n", "r", "n")
	}
	if c.W > c.N {
		add("is more than n", "w", "n")
	}
	peer, gossip := c.PeerPorts(c.clientPort())
	if peer > mostPort {
		add("is "+strconv.Itoa(peer)+", 10000 above the port, and there is no such port: set it", "peer-port", "port")
	}
	if gossip > mostPort {
		add("is "+strconv.Itoa(gossip)+", 20000 above the port, and there is no such port: set it", "gossip-port", "port")
	}
	if c.TLSCluster && (c.TLSCert == "" || c.TLSKey == "" || c.TLSCA == "") {
		add("needs tls-cert, tls-key and tls-ca", "tls-cluster", "tls-cert", "tls-key", "tls-ca")
	}
}

// mostPort is the greatest TCP port.
const mostPort = 65535

// longestSocketPath is the size of sockaddr_un's path, less the zero that ends
// it.
func longestSocketPath(goos string) int {
	if goos == "linux" {
		return 107
	}
	return 103
}
