package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"longarm/push"
)

// valid is a time span around the real clock.
func valid() (from, until time.Time) {
	return time.Now().Add(-time.Hour), time.Now().Add(24 * time.Hour)
}

// listen starts a real TLS service.
func listen(t testing.TB, id identity, change func(*tls.Config), h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is tested
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{id.cert}}
	if change != nil {
		change(srv.TLS)
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func answerCall(t testing.TB) http.HandlerFunc {
	body := golden(t, "call.json")
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-longarm", "1")
		_, _ = io.WriteString(w, body)
	}
}

func dialled(t testing.TB, cfg Config, srv *httptest.Server) *Client {
	t.Helper()
	cfg.URLs = []string{srv.URL}
	c, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestTrust(t *testing.T) {
	from, until := valid()
	id, other, old := newIdentity(t, from, until), newIdentity(t, from, until), newIdentity(t, from.AddDate(-2, 0, 0), from.AddDate(-1, 0, 0))
	clientCAs := x509.NewCertPool()
	clientCAs.AppendCertsFromPEM(id.pem)
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clientCAs }
	tests := []struct {
		name   string
		server identity
		tls    func(*tls.Config)
		change func(*Config)
		want   string // "" takes it
	}{
		{name: "CA file", server: id},
		{name: "another CA", server: other, want: "nobody that we trust has signed"},
		{name: "system roots", server: id, change: func(c *Config) { c.CAFile = "" }, want: "nobody that we trust has signed"},
		{name: "pin alone", server: id, change: func(c *Config) { c.CAFile, c.Pins = "", []string{other.pin, id.pin} }},
		{name: "pin of an old certificate", server: old, change: func(c *Config) { c.CAFile, c.Pins = "", []string{old.pin} }},
		{name: "another pin", server: id, change: func(c *Config) { c.CAFile, c.Pins = "", []string{other.pin} }, want: "fits none of the pins: it is " + id.pin},
		{name: "CA file and pin", server: id, change: func(c *Config) { c.Pins = []string{id.pin} }},
		{name: "CA file and another pin", server: id, change: func(c *Config) { c.Pins = []string{other.pin} }, want: "fits none of the pins"},
		{name: "another CA and the right pin", server: other, change: func(c *Config) { c.Pins = []string{other.pin} }, want: "nobody that we trust"},
		{name: "expired", server: old, change: func(c *Config) { c.CAFile = write(t, "old", old.pem, 0o600) }, want: "the service's certificate ended at"},
		{name: "TLS 1.2", server: id, tls: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, want: `tls_min = "1.2" allows the older one`},
		{name: "TLS 1.2 allowed", server: id, tls: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, change: func(c *Config) { c.TLSMin = "1.2" }},
		{name: "no HTTP/1.1", server: id, tls: func(c *tls.Config) {
			only := &tls.Config{Certificates: c.Certificates, NextProtos: []string{"acme-tls/1"}} // httptest adds to c
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return only, nil }
		}, want: "does not speak HTTP/1.1"},
		{name: "classic", server: id, change: func(c *Config) { c.KeyExchange = "classic" }},
		{name: "no client certificate", server: id, tls: mutual, want: "another client certificate"},
		{name: "client certificate", server: id, tls: mutual, change: func(c *Config) {
			c.ClientCert, c.ClientKey = write(t, "c", id.pem, 0o600), write(t, "k", id.key, 0o600)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := listen(t, tt.server, tt.tls, answerCall(t))
			cfg := testConfig(t, id)
			if tt.change != nil {
				tt.change(&cfg)
			}
			_, err := dialled(t, cfg, srv).Poll(t.Context(), 1)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("the key is in the error")
			}
		})
	}
}

func TestWrongName(t *testing.T) {
	from, until := valid()
	id := newIdentity(t, from, until)
	srv := listen(t, id, nil, answerCall(t))
	cfg := testConfig(t, id)
	cfg.URLs = []string{"https://wrong.test"}
	c, err := New(cfg, Options{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, srv.Listener.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Poll(t.Context(), 1)
	if _, ok := errors.AsType[x509.HostnameError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestNotTLS(t *testing.T) {
	tests := []struct{ says, want string }{
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks plain HTTP on this port"},
		{"220 mail.example.net ESMTP\r\n", "is not TLS"},
	}
	id := newIdentity(t, time.Now(), time.Now().Add(time.Hour))
	for _, tt := range tests {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, tt.says)
			_, _ = io.Copy(io.Discard, c)
		}()
		cfg := testConfig(t, id)
		cfg.URLs = []string{"https://" + ln.Addr().String()}
		c, err := New(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Poll(t.Context(), 1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
		ln.Close()
		<-done
	}
}

// TestPinsHoldOnResumption changes the pins under a session that could be
// resumed.
func TestPinsHoldOnResumption(t *testing.T) {
	from, until := valid()
	id, other := newIdentity(t, from, until), newIdentity(t, from, until)
	var resumed atomic.Int32
	srv := listen(t, id, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		answerCall(t)(w, r)
	})
	cfg := testConfig(t, id)
	cfg.Pins = []string{id.pin}
	c := dialled(t, cfg, srv)
	if _, err := c.Poll(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ack(t.Context(), "c", "m"); err != nil || resumed.Load() != 1 {
		t.Fatalf("second connection: %v, resumed %d", err, resumed.Load())
	}
	l := loader{cfg: Config{Pins: []string{other.pin}}}
	c.second.dialer.tls.VerifyConnection = l.pins().verify
	c.second.drop()
	if _, err := c.Ack(t.Context(), "c", "m"); !errors.Is(err, errPin) {
		t.Errorf("got %v, want the pin to be checked", err)
	}
}

func TestClock(t *testing.T) {
	id := newIdentity(t, early, late)
	tests := []struct {
		name string
		now  time.Time
		want string
	}{
		{"1970", time.Unix(60, 0), "the clock is probably not set: here it is 1970-01-01T00:01:00Z, the service's certificate is valid from 1999-01-01T00:00:00Z"},
		{"floor", early.Add(time.Second), ""},
		{"after the end", late.Add(time.Second), "the service's certificate ended at 2001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := listen(t, id, nil, answerCall(t)) // a pipe has no room for both ends' last words
			cfg := testConfig(t, id)
			cfg.URLs = []string{srv.URL}
			c, err := New(cfg, Options{Now: func() time.Time { return tt.now }})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Poll(t.Context(), 1)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if errors.Is(err, ErrClock) != (tt.name == "1970") {
				t.Errorf("got %v", err)
			}
			if p := c.Pause(err); tt.name == "1970" && p > maxClockPause {
				t.Errorf("pause %v", p)
			}
		})
	}
}

func TestGoodTime(t *testing.T) {
	id := newIdentity(t, early, late)
	tests := []struct {
		name, date, body string
		status           int
		want             time.Time
	}{
		{"call", "Sat, 01 Jan 2000 10:00:00 GMT", "call.json", 200, time.Date(2000, 1, 1, 10, 0, 0, 0, time.UTC)},
		{"idle", "Sat, 01 Jan 2000 10:00:00 GMT", "idle.json", 200, time.Date(2000, 1, 1, 10, 0, 0, 0, time.UTC)},
		{"beyond the certificate", "Tue, 01 Jan 2002 00:00:00 GMT", "call.json", 200, time.Time{}},
		{"no date", "yesterday", "call.json", 200, time.Time{}},
		{"refused", "Sat, 01 Jan 2000 10:00:00 GMT", "reply-expired.json", 401, time.Time{}},
		{"no envelope", "Sat, 01 Jan 2000 10:00:00 GMT", "ack.json", 200, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, id)
				var told time.Time
				c := link(t, s, testConfig(t, id), func(o *Options) { o.GoodTime = func(at time.Time) { told = at } })
				s.serve(func(g *got) { g.answer(tt.status, golden(t, tt.body), "Date: "+tt.date) })
				_, _ = c.Poll(t.Context(), 1)
				if !told.Equal(tt.want) {
					t.Errorf("told %v, want %v", told, tt.want)
				}
			})
		})
	}
}

// TestSocketOptions reads back what notices a dead peer; nobody waits for it.
func TestSocketOptions(t *testing.T) {
	from, until := valid()
	id := newIdentity(t, from, until)
	srv := listen(t, id, nil, answerCall(t))
	c := dialled(t, testConfig(t, id), srv)
	if _, err := c.Poll(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := c.KeepWarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, lane := range map[string]*lane{"poll": c.polls, "second": c.second} {
		want := map[int]int{unix.TCP_USER_TIMEOUT: 31000, unix.TCP_KEEPIDLE: 23, unix.TCP_KEEPINTVL: 3, unix.TCP_KEEPCNT: 3}
		if name == "second" {
			want[unix.TCP_KEEPIDLE] = 60
		}
		rc, err := lane.warm.Load().raw.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = rc.Control(func(fd uintptr) {
			for option, value := range want {
				if got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option); got != value || err != nil {
					t.Errorf("%s connection, option %d: got %d, %v, want %d", name, option, got, err, value)
				}
			}
			if on, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE); on != 1 || err != nil {
				t.Errorf("%s connection: keep-alive is %d, %v", name, on, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// A timer of so many seconds fires up to 512 ticks late, one of some seconds up to 64; a
	// tick is at most 4 ms where the kernel has 250 of them a second.
	const tick = 4 * time.Millisecond
	latest := pollKeepAlive.Idle + 512*tick + time.Duration(pollKeepAlive.Count)*(pollKeepAlive.Interval+64*tick)
	if latest > 35*time.Second || userTimeout > pollKeepAlive.Idle+time.Duration(pollKeepAlive.Count)*pollKeepAlive.Interval || push.Hold < pollKeepAlive.Idle {
		t.Errorf("a dead peer is noticed after up to %v", latest)
	}
}

// TestServiceRestarts keeps both connections over a real service that closes
// them: the next request goes through, on fresh ones.
func TestServiceRestarts(t *testing.T) {
	from, until := valid()
	id := newIdentity(t, from, until)
	srv := listen(t, id, nil, answerCall(t))
	c := dialled(t, testConfig(t, id), srv)
	for range 3 {
		if _, err := c.Poll(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Ack(t.Context(), "c", "m"); err != nil {
			t.Fatal(err)
		}
		if err := c.SignOff(t.Context(), "shutdown", 1); err != nil {
			t.Fatal(err)
		}
		srv.CloseClientConnections()
	}
}
