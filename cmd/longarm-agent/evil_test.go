package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer collects a process's output while the test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// identity makes a fresh self-signed certificate and its pin.
func identity(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "evil"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(spki)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, "sha256/" + base64.StdEncoding.EncodeToString(sum[:])
}

// evil is a service that answers each request with the same bytes.
type evil struct {
	addr, pin string
	requests  atomic.Int64
}

// newEvil answers with reply; endless repeats it until the client gives up.
func newEvil(t *testing.T, plain, endless bool, reply string) *evil {
	t.Helper()
	cert, pin := identity(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &evil{addr: l.Addr().String(), pin: pin}
	if !plain {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	var conns sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { defer c.Close(); e.serve(c, endless, reply) })
		}
	})
	return e
}

func (e *evil) serve(c net.Conn, endless bool, reply string) {
	_ = c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	if _, plain := c.(*net.TCPConn); plain {
		e.requests.Add(1)
		_, _ = c.Write([]byte(reply)) // whoever talks TLS to us reads this
		return
	}
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_ = r.Body.Close()
		e.requests.Add(1)
		for {
			if _, err := c.Write([]byte(reply)); err != nil {
				return
			}
			if !endless {
				break
			}
		}
	}
}

// agentAt runs the real agent against addr until its log matches want.
func agentAt(t *testing.T, addr, pin, extra, want string) *lockedBuffer {
	t.Helper()
	dir := t.TempDir()
	conf := fmt.Sprintf("[push]\nurl = \"https://%s\"\ncontainer = \"c1\"\nkey_file = %q\npins = [%q]\n", addr, filepath.Join(dir, "key"), pin)
	if !strings.Contains(extra, "[state]") {
		conf += fmt.Sprintf("[state]\ndir = %q\n", filepath.Join(dir, "state"))
	}
	conf += strings.ReplaceAll(extra, "DIR", dir) + "[[output]]\nname = \"router\"\nline = \"GPIO17\"\n"
	for name, text := range map[string]string{"key": "top-secret-key\n", "box.toml": conf, "plain-file": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := &lockedBuffer{}
	cmd := exec.Command(filepath.Join(binaries, "longarm-agent"), "run", "-config", filepath.Join(dir, "box.toml"), "-sim", "-sim-trace", filepath.Join(dir, "trace"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	re := regexp.MustCompile(want)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !re.MatchString(log.String()); <-tick.C {
		if time.Now().After(end) {
			t.Errorf("the log never matched %q", want)
			break
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("the agent ended by itself: %v\n%s", err, log)
	default:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the agent did not stop in order: %v", err)
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		t.Error("the agent did not stop within its budget")
	}
	for _, never := range []string{"panic", "goroutine ", "top-secret-key"} {
		if strings.Contains(log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "trace")); err == nil && len(text) > 0 {
		t.Errorf("something moved: %s", text)
	}
	t.Logf("%s", log)
	return log
}

func okReply(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestServiceThatMisbehaves(t *testing.T) {
	for name, c := range map[string]struct {
		plain, endless bool
		reply, want    string
	}{
		"garbage":                  {reply: "\x00\x01\x02 what\r\n\r\n", want: "service not reached.*HTTP"},
		"half a JSON":              {reply: okReply(`{"success":tr`), want: "service not reached.*envelope"},
		"a page":                   {reply: okReply("<html>captive portal</html>"), want: "service not reached.*envelope"},
		"ten megabytes":            {reply: okReply(strings.Repeat("x", 10<<20)), want: "service not reached.*(65536|64 KiB|long|large)"},
		"an endless header":        {endless: true, reply: "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 4000) + "\r\n" + strings.Repeat("X-B: b\r\n", 1000), want: "service not reached.*header"},
		"a redirect":               {reply: "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/x?apiKey=1\r\nContent-Length: 0\r\n\r\n", want: "elsewhere.example"},
		"plain HTTP":               {plain: true, reply: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", want: "plain HTTP"},
		"a refused key":            {reply: strings.Replace(okReply(`{"success":false,"message":"no such key"}`), "200 OK", "401 Unauthorized", 1), want: "refuses this container.*401.*no such key"},
		"a call with controls":     {reply: okReply(`{"success":true,"message":"","data":{"messageId":"m1","containerId":"c1","data":"router on\u001b[31m\u0000"}}`), want: `call done.*refused.*control character`},
		"an answer to nothing":     {reply: okReply(`[]`), want: "service not reached.*envelope"},
		"a bare success":           {reply: okReply(`{"success":true}`), want: "ready"},
		"deeply nested JSON":       {reply: okReply(`{"success":true,"data":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`), want: "service not reached|ready"},
		"both lengths":             {reply: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: "service not reached"},
		"closed without an answer": {reply: "", want: "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, c.plain, c.endless, c.reply)
			agentAt(t, e.addr, e.pin, "", "(?s)"+c.want)
			if e.requests.Load() == 0 {
				t.Error("the agent never asked")
			}
		})
	}
}

func TestServiceWithAnotherCertificate(t *testing.T) {
	e := newEvil(t, false, false, okReply(`{}`))
	_, otherPin := identity(t)
	agentAt(t, e.addr, otherPin, "", "service not reached.*pin")
	if e.requests.Load() != 0 {
		t.Error("a request reached a service with the wrong certificate")
	}
}

func TestNoService(t *testing.T) {
	_, pin := identity(t)
	agentAt(t, "127.0.0.1:1", pin, "", "service not reached.*refused")
}

func TestStateDirThatCannotBeUsed(t *testing.T) {
	t.Cleanup(func() { // the journal's refuge outlives a test that runs as root
		left, _ := filepath.Glob(filepath.Join(runDir, "state-*-TestStateDirThatCannotBeUsed*")) // the pattern is right
		for _, dir := range left {
			_ = os.RemoveAll(dir)
		}
	})
	e := newEvil(t, false, false, okReply(`{"success":true,"message":"","data":{"messageId":"m1","containerId":"c1","data":"router pulse 1s"}}`))
	agentAt(t, e.addr, e.pin, "[state]\ndir = \"DIR/plain-file/state\"\n", "(?s)state dir.*call done.*refused|call done.*journal")
}
