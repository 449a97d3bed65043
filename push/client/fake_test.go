package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const secret = "k3y-that-nobody-may-see"

// bubbleNow lies in the first minutes of a synctest bubble.
var bubbleNow = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// identity is a self-signed certificate and what is derived from it.
type identity struct {
	cert tls.Certificate
	pem  []byte
	key  []byte
	pin  string
}

func newIdentity(t testing.TB, from, until time.Time) identity {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: from, NotAfter: until,
		DNSNames: []string{"push.test", "other.test", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return identity{
		cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: priv, Leaf: leaf},
		pem:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		pin:  "sha256/" + base64.StdEncoding.EncodeToString(sum[:]),
	}
}

func write(t testing.TB, name string, content []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func testConfig(t testing.TB, id identity) Config {
	return Config{
		URLs: []string{"https://push.test/base"}, Container: "box1",
		KeyFile: write(t, "key", []byte(secret+"\n"), 0o600),
		CAFile:  write(t, "ca.pem", id.pem, 0o600),
	}
}

// service is the far end in a bubble: each dial gives a peer.
type service struct {
	t      testing.TB
	tls    *tls.Config
	peers  chan *peer
	refuse func(addr string) error // nil takes every dial

	mu      sync.Mutex
	addrs   []string
	open    []io.Closer
	handler func(*got)
}

func newService(t testing.TB, id identity) *service {
	s := &service{
		t: t, peers: make(chan *peer, 100),
		// Tickets would block an unbuffered pipe: nobody reads them in time.
		tls: &tls.Config{Certificates: []tls.Certificate{id.cert}, SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"}, Time: func() time.Time { return bubbleNow }},
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.open {
			c.Close()
		}
	})
	return s
}

// pipeEnd gives a pipe an address, as a socket has one.
type pipeEnd struct {
	net.Conn
	addr net.Addr
}

func (p pipeEnd) RemoteAddr() net.Addr { return p.addr }

func (s *service) dial(_ context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	s.addrs = append(s.addrs, addr)
	refuse := s.refuse
	s.mu.Unlock()
	if refuse != nil {
		if err := refuse(addr); err != nil {
			return nil, err
		}
	}
	near, far := net.Pipe()
	p := &peer{service: s, tls: tls.Server(far, s.tls), raw: far, requests: make(chan *got, 100)}
	s.mu.Lock()
	s.open = append(s.open, near, far)
	s.mu.Unlock()
	go p.read()
	s.peers <- p
	return pipeEnd{near, &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(len(s.addrs))), Port: 443}}, nil
}

func (s *service) dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.addrs)
}

// peer is the far end of one connection.
type peer struct {
	service  *service
	tls      *tls.Conn
	raw      net.Conn
	requests chan *got // closed when the client has gone
}

// got is a request with its body.
type got struct {
	*http.Request
	body string
	at   time.Time
	on   *peer
}

func (p *peer) read() {
	defer close(p.requests)
	br := bufio.NewReader(p.tls)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.requests <- &got{r, string(b), time.Now(), p}
	}
}

func (g *got) answer(status int, body string, header ...string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n", status, len(body))
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n" + body)
	g.raw(b.String())
}

func (g *got) raw(text string) bool {
	_, err := io.WriteString(g.on.tls, text)
	return err == nil
}

// serve answers every request on every connection with h until the test ends
// or another serve says otherwise.
func (s *service) serve(h func(*got)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.handler == nil
	s.handler = h
	if first {
		go s.accept()
	}
}

func (s *service) accept() {
	for {
		select {
		case p := <-s.peers:
			go func() {
				for r := range p.requests {
					s.mu.Lock()
					h := s.handler
					s.mu.Unlock()
					h(r)
				}
			}()
		case <-s.t.Context().Done():
			return
		}
	}
}

// link makes a client for the service in a bubble.
func link(t testing.TB, s *service, cfg Config, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{Dial: s.dial, Now: func() time.Time { return bubbleNow }, Instance: "i1", Version: "longarm-agent/0.1.0"}
	for _, f := range change {
		f(&o)
	}
	c, err := New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
