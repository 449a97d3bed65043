package field

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// Front is a proxy before a service, as a site may have one: it ends TLS with a certificate
// of its own, signed by its own CA, and passes the bytes on. What it shows can be changed.
type Front struct {
	Port string
	CA   string // PEM of the CA's certificate
	t    testing.TB
	to   *Service
	root *x509.Certificate
	key  *ecdsa.PrivateKey

	mu    sync.Mutex
	shown *tls.Certificate
	conns map[net.Conn]bool
	pipes sync.WaitGroup
}

// Front starts a proxy before the service; it is ended when t ends. Show must be called
// before anybody connects.
func (s *Service) Front(t testing.TB) *Front {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{t: t, to: s, key: key, conns: map[net.Conn]bool{}}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a site's own CA"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	f.root = f.sign(ca, ca)
	f.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.root.Raw}))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		SessionTicketsDisabled: true, // each connection sees the certificate of now
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.shown, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, f.Port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	f.pipes.Go(func() { f.accept(listener) })
	t.Cleanup(func() { _ = listener.Close(); f.drop(); f.pipes.Wait() })
	return f
}

// Show has the proxy show a certificate that is valid so long, and ends the connections
// that saw another.
func (f *Front) Show(from, until time.Time) {
	f.t.Helper()
	leaf := f.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "push"}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.ParseIP(GuestHost)},
	}, f.root)
	f.mu.Lock()
	f.shown = &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: f.key}
	f.mu.Unlock()
	f.drop()
}

// sign makes a certificate of the one key.
func (f *Front) sign(c, by *x509.Certificate) *x509.Certificate {
	f.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, f.key.Public(), f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		f.t.Fatal(err)
	}
	return signed
}

func (f *Front) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		f.pipes.Go(func() { f.pass(conn) })
	}
}

// pass carries bytes both ways until one side ends.
func (f *Front) pass(conn net.Conn) {
	f.mu.Lock()
	f.conns[conn] = true // before its handshake, so that Show ends every one that saw another certificate
	f.mu.Unlock()
	defer f.forget(conn)
	inner, err := tls.Dial("tcp", "127.0.0.1:"+f.to.Port, &tls.Config{InsecureSkipVerify: true}) // on this host, and of this test
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(conn, inner); _ = conn.Close() })
	_, _ = io.Copy(inner, conn)
	_ = inner.Close()
	back.Wait()
}

func (f *Front) forget(conn net.Conn) {
	_ = conn.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, conn)
}

// drop ends every connection.
func (f *Front) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.conns {
		_ = conn.Close()
	}
}
