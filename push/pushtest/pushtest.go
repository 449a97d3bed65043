// Package pushtest joins both ends of the push protocol in memory: a real
// service over the memory engine, and dialling for real clients, with TLS over
// net.Pipe. It is for tests inside a testing/synctest bubble and never opens a
// socket.
package pushtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longarm/push/client"
	"longarm/push/engine/memory"
	"longarm/push/service"
)

// World is a running service. Its methods fail the test on errors.
type World struct {
	// Container is the id of the one container that exists.
	Container string
	// Handshakes counts the connections that devices opened.
	Handshakes atomic.Int64

	t       testing.TB
	dir     string
	engine  *memory.Engine
	service *service.Service
	token   string
	pin     string
	tls     *tls.Config
	pipes   *pipes
	api     http.Handler
	stop    func()
}

// New starts a service with one container in the caller's bubble. Stop ends it.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{t: t, dir: t.TempDir(), engine: memory.New()}
	w.certify()
	w.Start()
	var made struct{ ID, Key string }
	w.Call("POST", "/api/v1/containers", `{"name":"box","maxHeartbeatTimeout":5}`, &made)
	w.Container = made.ID
	w.check(os.WriteFile(w.keyFile(), []byte(made.Key+"\n"), 0o600))
	return w
}

func (w *World) keyFile() string { return filepath.Join(w.dir, "key") }

func (w *World) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// certify makes a certificate. Tickets are off: over an unbuffered pipe they
// would wait for a reader that is writing.
func (w *World) certify() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.check(err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1e5 * time.Hour), DNSNames: []string{"push.test"}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	w.check(err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	w.check(err)
	sum := sha256.Sum256(spki)
	w.pin = "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
	w.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true}
}

// Start runs the service, again after Stop: the engine stays.
func (w *World) Start() {
	w.t.Helper()
	var err error
	w.service, err = service.New(w.engine, service.Options{})
	w.check(err)
	token, created, err := w.service.BootstrapToken(context.Background())
	w.check(err)
	if created {
		w.token = token
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.pipes = &pipes{conns: make(chan net.Conn), done: make(chan struct{}), count: &w.Handshakes}
	w.api = w.service.Handler()
	server := &http.Server{Handler: w.api}
	var running sync.WaitGroup
	running.Go(func() { _ = w.service.Run(ctx) })                            // ends with ctx
	running.Go(func() { _ = server.Serve(tls.NewListener(w.pipes, w.tls)) }) // ends with Close
	w.stop = func() { cancel(); _ = server.Close(); running.Wait() }
}

// Stop ends the service as a kill would: connections break, only the engine stays.
func (w *World) Stop() { w.stop() }

// Client is a real client of the container.
func (w *World) Client(o client.Options) *client.Client {
	w.t.Helper()
	o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return w.pipes.dial(ctx) }
	c, err := client.New(client.Config{URLs: []string{"https://push.test"}, Container: w.Container, KeyFile: w.keyFile(), Pins: []string{w.pin}}, o)
	w.check(err)
	return c
}

// Call asks the operator API; into gets the JSON of a 2xx reply. It returns
// the status.
func (w *World) Call(method, path, body string, into any) int {
	w.t.Helper()
	r, err := http.NewRequest(method, path, bytes.NewBufferString(body))
	w.check(err)
	r.Header.Set("Authorization", "Bearer "+w.token)
	reply := &recorder{header: http.Header{}, status: 200}
	w.api.ServeHTTP(reply, r)
	if into != nil && reply.status/100 == 2 {
		w.check(json.Unmarshal(reply.body.Bytes(), into))
	}
	return reply.status
}

// State is an operator's view of one call.
type State struct {
	MessageID string `json:"messageId"`
	State     string `json:"state"`
	Late      bool   `json:"late"`
	Result    struct {
		Success bool            `json:"success"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"result"`
}

// Click sends a call and returns its id.
func (w *World) Click(data, ttl string) string {
	w.t.Helper()
	var s State
	if code := w.Call("POST", "/api/v1/containers/box/calls", fmt.Sprintf(`{"data":%q,"ttl":%q}`, data, ttl), &s); code != 202 {
		w.t.Fatalf("click %q: got status %d, want 202", data, code)
	}
	return s.MessageID
}

// Look returns the state of a call.
func (w *World) Look(id string) State {
	w.t.Helper()
	var s State
	w.Call("GET", "/api/v1/calls/"+id, "", &s)
	return s
}

// recorder keeps a reply. net/http/httptest would do, and would add its flags
// to whoever imports this package.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	count *atomic.Int64
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		p.count.Add(1)
		return ours, nil
	case <-p.done:
		return nil, io.ErrClosedPipe
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept gives the next connection.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener; dialling fails from then on.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is where nobody listens.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }
