package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// authority signs certificates for a test.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.issue(t, "ca")
	return a
}

// path is where a certificate ("crt") or key ("key") stands.
func (a *authority) path(name, kind string) string { return filepath.Join(a.dir, name+"."+kind) }

// issue writes a certificate and its key; the first is the authority's own.
func (a *authority) issue(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true, IsCA: a.cert == nil,
	}
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	must(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	writePEM(t, a.path(name, "crt"), "CERTIFICATE", der)
	writePEM(t, a.path(name, "key"), "EC PRIVATE KEY", keyDER)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert, key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// TestTLS uses redis-cli and go-redis over TLS, without and with a certificate
// of the client's.
func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "server")
	a.issue(t, "client")
	for _, mutual := range []bool{false, true} {
		t.Run(fmt.Sprintf("client certificates %v", mutual), func(t *testing.T) {
			port := freePort(t)
			startSubject(t, options{tlsPort: port, tlsCert: a.path("server", "crt"), tlsKey: a.path("server", "key"),
				tlsCA: a.path("ca", "crt"), tlsClients: mutual})
			flags := []string{"-p", strconv.Itoa(port), "--tls", "--cacert", a.path("ca", "crt")}
			withCert := append(flags, "--cert", a.path("client", "crt"), "--key", a.path("client", "key"))
			out, errs, err := tool(t, nil, "redis-cli", append(withCert, "SET", "k", "v")...)
			if out != "OK\n" || errs != "" || err != nil {
				t.Errorf("redis-cli --tls: %q %q %v", out, errs, err)
			}
			out, _, _ = tool(t, nil, "redis-cli", append(flags[:len(flags):len(flags)], "GET", "k")...)
			if got := out == "v\n"; got == mutual {
				t.Errorf("without a client certificate: %q", out)
			}
			testTLSClient(t, a, port)
		})
	}
}

// testTLSClient moves large values with go-redis.
func testTLSClient(t *testing.T, a *authority, port int) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	cert, err := tls.LoadX509KeyPair(a.path("client", "crt"), a.path("client", "key"))
	must(t, err)
	rdb := redis.NewClient(&redis.Options{
		Addr: fmt.Sprintf("localhost:%d", port), ReadTimeout: replyLimit, WriteTimeout: replyLimit,
		TLSConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}},
	})
	defer rdb.Close()
	ctx, cancel := context.WithTimeout(t.Context(), toolLimit)
	defer cancel()
	value := strings.Repeat("0123456789", 300_000)
	_, err = rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range 10 {
			pipe.Set(ctx, fmt.Sprint("large", i), value, 0)
			pipe.Get(ctx, fmt.Sprint("large", i))
		}
		return nil
	})
	must(t, err)
	if got, err := rdb.Get(ctx, "large9").Result(); err != nil || got != value {
		t.Errorf("%d bytes came back instead of %d: %v", len(got), len(value), err)
	}
}
