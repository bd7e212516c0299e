package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// certificate is one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	cert, authorities := certificate(t)
	stranger, _ := certificate(t)
	_, addr := serveAt(t, "127.0.0.1:0", ServerOptions{
		Self: always(identity("b")),
		TLS:  &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert},
	})
	for name, test := range map[string]struct {
		tls *tls.Config
		ok  bool
	}{
		"known":              {&tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: authorities}, true},
		"unknown to it":      {&tls.Config{Certificates: []tls.Certificate{stranger}, RootCAs: authorities}, false},
		"no certificate":     {&tls.Config{RootCAs: authorities}, false},
		"it is unknown":      {&tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: x509.NewCertPool()}, false},
		"no TLS on one side": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, w := pool(t, identity("a"), "b", addr, func(o *PoolOptions) {
				o.TLS = test.tls
				o.Timeout = 3 * time.Second // a side without TLS waits for what never comes
			})
			e := w.next(t)
			for test.ok && e.err != nil {
				e = w.next(t)
			}
			if (e.err == nil) != test.ok {
				t.Fatalf("verdict %v", e.err)
			}
			if !test.ok {
				return
			}
			if got, err := p.Call(ctx(t), testID("b"), []byte("x")); err != nil || string(got) != "x" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
