package service_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine/memory"
	"longarm/push/service"
)

// world is a service with a server over net.Pipe, inside a bubble.
type world struct {
	t      *testing.T
	engine service.Engine
	s      *service.Service
	admin  string
	client *http.Client
	pipes  *pipes
	still  bool   // without Run
	base   string // URL of a real server
	stop   func() // the service, as a kill would: only the engine stays
}

// bubble runs f in a bubble with a world that has one container, "box", with the key "k".
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, engine: memory.New()}
		w.start(service.Options{})
		defer func() { w.stop() }()
		f(t, w)
	})
}

func (w *world) start(o service.Options) {
	w.t.Helper()
	s, err := service.New(w.engine, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.s = s
	if token, created, err := s.BootstrapToken(w.t.Context()); err != nil {
		w.t.Fatal(err)
	} else if created {
		w.admin = token
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if w.still {
			return
		}
		if err := s.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.pipes = &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: s.Handler()}
	wg.Go(func() { server.Serve(w.pipes) })
	transport := &http.Transport{DialContext: w.pipes.dial}
	w.client = &http.Client{Transport: transport}
	synctest.Wait()
	w.stop = func() {
		cancel()
		server.Close()
		transport.CloseIdleConnections()
		wg.Wait()
		time.Sleep(time.Second) // net/http lingers half a second over a refused body
		w.stop = func() {}
	}
}

// restart kills the service and starts another one over the same engine.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start(service.Options{})
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	wrap  func(net.Conn) net.Conn // the server's end
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	if p.wrap != nil {
		theirs = p.wrap(theirs)
	}
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr {
	return &net.UnixAddr{Name: "pipe", Net: "pipe"}
}

// got is an answer.
type got struct {
	status int
	body   string
	header http.Header
	took   time.Duration
	close  bool // the server ends the connection
	err    error
}

// send makes one request; headers are "name: value".
func (w *world) send(ctx context.Context, method, path, body string, headers ...string) got {
	start := time.Now()
	r, err := http.NewRequestWithContext(ctx, method, cmp.Or(w.base, "http://service")+path, strings.NewReader(body))
	if err != nil {
		return got{err: err}
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, string(data), resp.Header, time.Since(start), resp.Close, err}
}

func (w *world) device(method, path, body string, headers ...string) got {
	w.t.Helper()
	g := w.send(w.t.Context(), method, path, body, append([]string{"x-api-key: k"}, headers...)...)
	if g.err != nil {
		w.t.Fatalf("%s %s: %v", method, path, g.err)
	}
	return g
}

// api makes a request of the operator API as the admin, checks the status and decodes the answer.
func (w *world) api(method, path, body string, status int, headers ...string) map[string]any {
	w.t.Helper()
	g := w.send(w.t.Context(), method, path, body, append([]string{"Authorization: Bearer " + w.admin}, headers...)...)
	if g.err != nil || g.status != status {
		w.t.Fatalf("%s %s: got %d %s %v, want %d", method, path, g.status, g.body, g.err, status)
	}
	var v map[string]any
	if g.body != "" && g.body[0] == '{' {
		if err := json.Unmarshal([]byte(g.body), &v); err != nil {
			w.t.Fatal(err)
		}
	}
	return v
}

// box registers the container "box" with the key "k", over the wire as a device does it.
func (w *world) box() {
	w.t.Helper()
	w.addBox("box", "k")
}

func (w *world) addBox(id, key string) {
	w.t.Helper()
	service.AddContainer(w.t, w.s, id, key)
	synctest.Wait()
}

// polling is a poll under way.
type polling struct {
	answer chan got
	cancel context.CancelFunc
}

// poll starts a poll and waits until it is parked or answered.
func (w *world) poll(headers ...string) *polling {
	ctx, cancel := context.WithCancel(w.t.Context())
	p := &polling{answer: make(chan got, 1), cancel: cancel}
	go func() {
		p.answer <- w.send(ctx, "GET", "/push/box", "", append([]string{"x-api-key: k"}, headers...)...)
	}()
	synctest.Wait()
	return p
}

// open says whether the poll still waits.
func (p *polling) open() bool { synctest.Wait(); return len(p.answer) == 0 }

// wait takes the answer; time passes as far as it must.
func (p *polling) wait() got { return <-p.answer }

const idle = `{"success":false,"message":"no message"}`

// call makes a call and returns its message id.
func (w *world) call(data, ttl string) string {
	w.t.Helper()
	v := w.api("POST", "/api/v1/containers/box/calls", fmt.Sprintf(`{"data":%q,"ttl":%q}`, data, ttl), 202)
	synctest.Wait()
	return v["messageId"].(string)
}

func (w *world) state(id string) string {
	w.t.Helper()
	synctest.Wait() // what is due at this moment comes first
	v := w.api("GET", "/api/v1/calls/"+id, "", 200)
	if v["late"].(bool) {
		return v["state"].(string) + ", late"
	}
	return v["state"].(string)
}

func (w *world) container() map[string]any {
	w.t.Helper()
	synctest.Wait() // what is due at this moment comes first
	return w.api("GET", "/api/v1/containers/box", "", 200)
}

func (w *world) wantState(id, want string) {
	w.t.Helper()
	if got := w.state(id); got != want {
		w.t.Errorf("state of the call: got %s, want %s", got, want)
	}
}

func (w *world) wantBox(want string) {
	w.t.Helper()
	if got := w.container()["state"]; got != want {
		w.t.Errorf("state of the container: got %s, want %s", got, want)
	}
}

// messageID takes the message id out of a poll's answer, "" if it is idle.
func messageID(t *testing.T, g got) string {
	t.Helper()
	var v struct {
		Data struct {
			MessageID string `json:"messageId"`
		} `json:"data"`
	}
	if g.err != nil || g.status != 200 || json.NewDecoder(bytes.NewReader([]byte(g.body))).Decode(&v) != nil {
		t.Fatalf("poll: got %d %s %v", g.status, g.body, g.err)
	}
	if v.Data.MessageID == "" && g.body != idle {
		t.Errorf("poll: got %s, want a call or %s", g.body, idle)
	}
	return v.Data.MessageID
}

func wantReply(t *testing.T, what string, g got, status int, body string) {
	t.Helper()
	if g.err != nil || g.status != status || g.body != body {
		t.Errorf("%s: got %d %s %v, want %d %s", what, g.status, g.body, g.err, status, body)
	}
}
