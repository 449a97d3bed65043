package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// served is `longarm serve` in this process.
type served struct {
	t      *testing.T
	dir    string
	log    bytes.Buffer // stderr; for when it has ended
	stop   context.CancelFunc
	ended  chan int
	output chan string // all of stdout, when it has ended
}

// startServe runs serve until it has said where it listens.
func startServe(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	s := &served{t: t, dir: dir, stop: cancel, ended: make(chan int, 1), output: make(chan string, 1)}
	go func() {
		s.ended <- run(ctx, append([]string{"serve", "-data", dir, "-listen", "127.0.0.1:0"}, args...), noEnv, w, &s.log)
		w.Close()
	}()
	t.Cleanup(cancel)
	in := bufio.NewReader(r)
	first, err := in.ReadString('\n')
	if err != nil {
		t.Fatalf("got %v and %q, want a service", err, &s.log)
	}
	go func() {
		rest, _ := io.ReadAll(in)
		s.output <- first + string(rest)
	}()
	return s
}

// end stops the service as SIGTERM does and returns its exit code.
func (s *served) end() int {
	s.stop()
	select {
	case code := <-s.ended:
		return code
	case <-time.After(20 * time.Second):
		s.t.Fatal("the service does not end")
		return -1
	}
}

func (s *served) read(name string) string {
	s.t.Helper()
	line, err := readLine(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return line
}

// do runs a client verb against the service by its data directory.
func (s *served) do(args ...string) (int, string) {
	var out bytes.Buffer
	code := run(s.t.Context(), append(args, "-data", s.dir), noEnv, &out, &out)
	return code, out.String()
}

func TestServe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := startServe(t, dir)
	for name, mode := range map[string]os.FileMode{fileKey: 0o600, fileToken: 0o600, fileCert: 0o644, filePin: 0o644, fileAddr: 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v; want mode %v", name, info, err, mode)
		}
	}
	code, text := s.do("ls")
	want(t, "ls", code, 0, text, "no containers yet")
	cert, token := s.read(fileCert), s.read(fileToken)

	var out bytes.Buffer
	code = run(t.Context(), []string{"serve", "-data", dir, "-listen", "127.0.0.1:0"}, noEnv, &out, &out)
	want(t, "a second serve", code, exitInUse, out.String(), "another longarm serve (process ", dir)
	code, text = s.do("ls")
	want(t, "ls after it", code, 0, text, "no containers yet")

	if code := s.end(); code != exitDone {
		t.Errorf("SIGTERM: got exit code %d, want 0; log:\n%s", code, &s.log)
	}
	pin := s.read(filePin)
	want(t, "greeting", 0, 0, <-s.output, "listens at https://127.0.0.1:", "the admin token is "+token, pin)
	if _, err := os.Stat(filepath.Join(dir, fileAddr)); !os.IsNotExist(err) {
		t.Errorf("got %v for listen.addr after the end, want it gone", err)
	}

	if err := os.WriteFile(filepath.Join(dir, fileAddr), []byte("127.0.0.1:1\n"), 0o644); err != nil {
		t.Fatal(err) // what a kill leaves behind
	}
	s = startServe(t, dir)
	if s.read(fileCert) != cert || s.read(fileToken) != token {
		t.Error("the second start made another certificate or token, want those of the first")
	}
	code, text = s.do("ls")
	want(t, "ls after the restart", code, 0, text, "no containers yet")
	s.end()
	want(t, "second greeting", 0, 0, <-s.output, "listens at https://127.0.0.1:", "!"+token, pin)
}

// The operator's way through a real service: container, call, tokens.
func TestServeOperator(t *testing.T) {
	s := startServe(t, t.TempDir())
	code, text := s.do("container", "add", "shop-12", "-timeout", "30m", "-button", "Restart=router cycle 10s")
	want(t, "container add", code, 0, text)
	made := jsonOf(t, text)
	if made["id"] == "" || made["key"] == "" || made["maxHeartbeatTimeout"] != 30.0 {
		t.Fatalf("got %q, want id, key and 30 minutes", text)
	}
	code, text = s.do("container", "add", "shop-12")
	want(t, "same name", code, exitRefused, text, "taken")
	code, text = s.do("ls")
	want(t, "ls", code, 0, text, "shop-12  new    never  0")
	code, text = s.do("ls", "shop-12")
	want(t, "ls NAME", code, 0, text, made["id"].(string), "Restart: router cycle 10s", "30 min")
	code, text = s.do("call", "shop-12", "router cycle 10s", "-ttl", "1s", "-wait", "1s")
	want(t, "call that nobody fetches", code, exitRefused, text, "queued", "expired")
	code, text = s.do("call", strings.ToUpper(made["id"].(string)), "router cycle 10s", "-wait", "0s", "-json")
	want(t, "call by id", code, exitDone, text, `"state":"queued"`)
	var queued struct{ MessageID string }
	if err := json.Unmarshal([]byte(text), &queued); err != nil {
		t.Fatal(err)
	}
	code, text = s.do("ls", "shop-12")
	want(t, "ls NAME with a call", code, 0, text, "open calls  1\n")
	code, text = s.do("call", "-cancel", queued.MessageID)
	want(t, "cancel", code, 0, text, "is cancelled")
	code, text = s.do("call", "-cancel", queued.MessageID+"0")
	want(t, "cancel nothing", code, 1, text, "no call of that id")

	code, viewer := s.do("token", "add", "wallboard", "-role", "viewer")
	want(t, "token add", code, 0, viewer)
	viewer = strings.TrimSpace(viewer)
	code, text = s.do("ls", "-token", viewer)
	want(t, "viewer's ls", code, 0, text, "shop-12")
	code, text = s.do("call", "shop-12", "router off", "-token", viewer)
	want(t, "viewer's call", code, 1, text, "this token may not do that")
	code, text = s.do("token", "ls")
	want(t, "token ls", code, 0, text, "wallboard  viewer", "admin      admin")
	code, text = s.do("token", "rm", "wallboard")
	want(t, "token rm", code, 0, text, "gone")
	code, text = s.do("ls", "-token", viewer)
	want(t, "removed token", code, 1, text, "does not know this token")
	code, text = s.do("token", "rm", "admin")
	want(t, "last admin", code, exitRefused, text, "last admin")
	if code := s.end(); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}

// Nothing that is open keeps the service from ending: a held poll, an event
// stream, a waiting operator.
func TestServeDrains(t *testing.T) {
	s := startServe(t, t.TempDir())
	_, text := s.do("container", "add", "shop-12")
	made := jsonOf(t, text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: clientTLS([]string{s.read(filePin)})}}
	defer client.CloseIdleConnections()
	open := func(path, header, value string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.read(fileAddr)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		return req
	}
	events, err := client.Do(open("/api/v1/events", "Authorization", "Bearer "+s.read(fileToken)))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	lines := bufio.NewScanner(events.Body)
	lines.Scan() // the stream has begun: it will show the poll's arrival
	polled := make(chan string, 1)
	go func() {
		resp, err := client.Do(open("/push/"+made["id"].(string), "x-api-key", made["key"].(string)))
		if err != nil {
			polled <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		polled <- resp.Proto + " " + resp.Status + " " + string(body)
	}()
	for lines.Scan() && !strings.Contains(lines.Text(), "online") {
	}
	if code := s.end(); code != 0 {
		t.Errorf("got exit code %d, want 0; log:\n%s", code, &s.log)
	}
	if got := <-polled; !strings.HasPrefix(got, "HTTP/1.1 200 OK") || !strings.Contains(got, "no message") {
		t.Errorf("got %q for the held poll, want idle", got)
	}
	if strings.Contains(s.log.String(), "did not end in time") {
		t.Errorf("got\n%s\nwant everything ended", &s.log)
	}
}

// Who has shown no key holds nothing up: a bare connection, half a header, half a
// body.
func TestServeDrainsStrangers(t *testing.T) {
	s := startServe(t, t.TempDir())
	addr := s.read(fileAddr)
	bare, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	for _, sent := range []string{
		"GET /push/x HTTP/1.1\r\nHost: a\r\n",
		"POST /push/x/result/c1 HTTP/1.1\r\nHost: a\r\nx-api-key: guess\r\nContent-Length: 100\r\n\r\n{",
	} {
		conn, err := tls.Dial("tcp", addr, clientTLS([]string{s.read(filePin)}))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
	}
	code, text := s.do("ls") // by then the service has them
	want(t, "ls", code, 0, text)
	start := time.Now()
	if code := s.end(); code != 0 {
		t.Errorf("got exit code %d, want 0; log:\n%s", code, &s.log)
	}
	if took := time.Since(start); took > drainLimit/5 {
		t.Errorf("took %v to end, want far less than the limit of %v", took, drainLimit)
	}
	if strings.Contains(s.log.String(), "did not end in time") {
		t.Errorf("got\n%s\nwant no word of strangers", &s.log)
	}
}

// TLS 1.2 and up, HTTP/1.1 alone, and the certificate names this machine.
func TestServeTLS(t *testing.T) {
	s := startServe(t, t.TempDir())
	defer s.end()
	addr := s.read(fileAddr)
	conf := clientTLS([]string{s.read(filePin)})
	conf.NextProtos = []string{"h2", "http/1.1"}
	conn, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	state := conn.ConnectionState()
	conn.Close()
	if state.NegotiatedProtocol != "http/1.1" || state.Version != tls.VersionTLS13 {
		t.Errorf("got %q and TLS %x, want http/1.1 and 1.3", state.NegotiatedProtocol, state.Version)
	}
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", addr, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is served, want it refused")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s.read(fileCert)))
	host, _ := os.Hostname()
	for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
		if _, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("%s: got %v, want the certificate to be good for it as its own root", name, err)
		}
	}
	if years := time.Until(state.PeerCertificates[0].NotAfter).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("got %.1f years, want 10", years)
	}
	if key, ok := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Error("got another key, want ECDSA P-256")
	}
}

func TestServeUsage(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, args string
		code       int
		word       string
	}{
		{"nats", "-nats nats://x", 2, "-nats is not in this version"},
		{"config", "-config f.toml", 2, "-config is not in this version"},
		{"half a pair", "-tls-cert f", 2, "go together"},
		{"a word", "now", 2, `what is "now" for?`},
		{"no such pair", "-tls-cert f -tls-key g", 1, "load the certificate f with the key g"},
		{"no address", "-listen nonsense", 1, "listen at nonsense"},
	} {
		var out bytes.Buffer
		args := append([]string{"serve", "-data", dir}, strings.Fields(tt.args)...)
		code := run(t.Context(), args, noEnv, &out, &out)
		want(t, tt.name, code, tt.code, out.String(), tt.word)
	}
	s := startServe(t, t.TempDir())
	var out bytes.Buffer
	code := run(t.Context(), []string{"serve", "-data", t.TempDir(), "-listen", s.read(fileAddr)}, noEnv, &out, &out)
	want(t, "address in use", code, exitInUse, out.String(), "address already in use")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	code = run(t.Context(), []string{"serve", "-data", file, "-listen", "127.0.0.1:0"}, noEnv, &out, &out)
	want(t, "data is a file", code, exitError, out.String(), "make the data directory")
}

// An own certificate is served as it is, and its pin is told.
func TestServeOwnCertificate(t *testing.T) {
	dir := t.TempDir()
	own := serving{dir: dir}
	made, err := own.certificate()
	if err != nil {
		t.Fatal(err)
	}
	s := startServe(t, t.TempDir(), "-tls-cert", own.path(fileCert), "-tls-key", own.path(fileKey))
	if got := s.read(filePin); got != pinOf(made.Leaf) {
		t.Errorf("got the pin %s, want that of the given certificate", got)
	}
	if names, _ := filepath.Glob(filepath.Join(s.dir, "tls.*")); !slices.Equal(names, []string{filepath.Join(s.dir, filePin)}) {
		t.Errorf("got %q, want no certificate beside the given one", names)
	}
	code, text := s.do("ls")
	want(t, "ls", code, 0, text, "no containers yet")
}
