package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/rldb/rldb/conf"
	"github.com/rldb/rldb/metrics"
)

// listen opens every port and socket that the configuration names.
func (n *node) listen(cfg *conf.Config) error {
	if cfg.ServesPlain() {
		port, err := n.listenOn(cfg.Bind, cfg.Port, nil)
		if err != nil {
			return err
		}
		n.port.Store(int64(port))
	}
	if cfg.TLSPort != 0 {
		tc, err := tlsConfig(cfg)
		if err != nil {
			return err
		}
		port, err := n.listenOn(cfg.Bind, cfg.TLSPort, tc)
		if err != nil {
			return err
		}
		n.tlsPort = port
		n.port.CompareAndSwap(0, int64(port))
	}
	if cfg.UnixSocket != "" {
		addr, err := n.front.Listen("unix", cfg.UnixSocket, nil)
		if err != nil {
			return err
		}
		n.addrs = append(n.addrs, addr)
		if cfg.UnixSocketPerm != 0 {
			return os.Chmod(cfg.UnixSocket, cfg.UnixSocketPerm)
		}
	}
	return nil
}

// serveMetrics answers /metrics and /healthz at the port of the configuration, if
// there is one, at every address that clients may use.
func (n *node) serveMetrics(cfg *conf.Config) error {
	if cfg.MetricsPort == 0 {
		return nil
	}
	n.metrics = &http.Server{Handler: metrics.Handler(n), ReadTimeout: metricsTimeout, WriteTimeout: metricsTimeout}
	for _, b := range cfg.Bind {
		ln, err := net.Listen(b.Network, net.JoinHostPort(b.Host, strconv.Itoa(cfg.MetricsPort)))
		switch {
		case err != nil && b.Optional:
			n.log.Warn("going on without an optional address", "bind", b.Text, "err", err)
			continue
		case err != nil:
			return fmt.Errorf("metrics-port: %w", err)
		}
		n.serving.Go(func() {
			if err := n.metrics.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				n.log.Error("serving metrics ended", "err", err)
			}
		})
		n.log.Info("metrics", "addr", ln.Addr().String())
	}
	return nil
}

// metricsTimeout bounds a request for metrics, from its first byte to its last.
const metricsTimeout = 10 * time.Second

// listenOn opens one port at all addresses and returns it: port 0 is the same
// free one at each.
func (n *node) listenOn(bind []conf.BindAddress, port int, tc *tls.Config) (int, error) {
	for _, b := range bind {
		addr, err := n.front.Listen(b.Network, net.JoinHostPort(b.Host, strconv.Itoa(port)), tc)
		switch {
		case err != nil && b.Optional:
			n.log.Warn("going on without an optional address", "bind", b.Text, "err", err)
			continue
		case err != nil:
			return 0, err
		}
		port = addr.(*net.TCPAddr).Port
		n.addrs = append(n.addrs, addr)
	}
	return port, nil
}

// peerTLS is the TLS of the connections between nodes: as a server, and as a
// client. Who shows a certificate that tls-ca signed is let in; the secret of the
// cluster is asked for besides.
func peerTLS(cfg *conf.Config) (server, dial *tls.Config, err error) {
	if server, err = tlsConfig(cfg); err != nil {
		return nil, nil, err
	}
	dial = &tls.Config{Certificates: server.Certificates, RootCAs: server.ClientCAs, MinVersion: tls.VersionTLS12}
	return server, dial, nil
}

func tlsConfig(cfg *conf.Config) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("tls-cert and tls-key: %w", err)
	}
	tc := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if cfg.TLSCA == "" {
		return tc, nil
	}
	pem, err := os.ReadFile(cfg.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("tls-ca: %w", err)
	}
	tc.ClientCAs = x509.NewCertPool()
	if !tc.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls-ca: %s holds no PEM certificate", cfg.TLSCA)
	}
	tc.ClientAuth = tls.RequireAndVerifyClientCert
	return tc, nil
}
