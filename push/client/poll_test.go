package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push"
)

// years of validity around the bubble's clock.
var (
	early = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	late  = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
)

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// bubble runs f with a fake service and a client for it.
func bubble(t *testing.T, f func(t *testing.T, s *service, c *Client)) {
	id := newIdentity(t, early, late)
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, id)
		f(t, s, link(t, s, testConfig(t, id)))
	})
}

func TestPollRequest(t *testing.T) {
	tests := []struct {
		auth, url string
		want      string
	}{
		{"header", "/base/push/box1", secret},
		{"query", "/base/push/box1?apiKey=" + secret, ""},
	}
	id := newIdentity(t, early, late)
	for _, tt := range tests {
		t.Run(tt.auth, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService(t, id)
				cfg := testConfig(t, id)
				cfg.Auth = tt.auth
				c := link(t, s, cfg)
				requests := make(chan *got, 1)
				s.serve(func(g *got) { requests <- g; g.answer(200, golden(t, "call.json"), "x-longarm: 1") })
				call, err := c.Poll(t.Context(), 7)
				if err != nil || call.Data != "router cycle 10s" || call.TTL != 59750*time.Millisecond {
					t.Fatalf("got %+v, %v", call, err)
				}
				r := <-requests
				want := map[string]string{
					"x-api-key": tt.want, "x-longarm-poll": "7", "x-longarm-instance": "i1", "x-longarm-dedupe": "1",
					"User-Agent": "", "Content-Length": "", "Transfer-Encoding": "", "Connection": "",
				}
				for name, value := range want {
					if got := r.Header.Get(name); got != value {
						t.Errorf("%s: got %q, want %q", name, got, value)
					}
				}
				if r.Method != "GET" || r.RequestURI != tt.url || r.Host != "push.test" || r.Proto != "HTTP/1.1" {
					t.Errorf("got %s %s %s to %s", r.Method, r.RequestURI, r.Proto, r.Host)
				}
				if !c.Ours() {
					t.Error("the service said that it is ours")
				}
			})
		})
	}
}

func TestPollIdle(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) {
			time.Sleep(push.Hold)
			g.answer(200, golden(t, "idle.json"))
		})
		for n := range uint64(80) { // an hour
			_, err := c.Poll(t.Context(), n+1)
			if !errors.Is(err, push.ErrIdle) || c.Pause(err) != 0 {
				t.Fatalf("poll %d: %v, pause %v", n, err, c.Pause(err))
			}
		}
		if s.dials() != 1 {
			t.Errorf("an hour of polls took %d connections", s.dials())
		}
	})
}

// TestCallWithoutContainer is answered under the id that polled.
func TestCallWithoutContainer(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) { g.answer(200, `{"success":true,"data":{"messageId":"m","data":"router on"}}`) })
		call, err := c.Poll(t.Context(), 1)
		if want := (push.Call{ContainerID: "box1", MessageID: "m", Data: "router on"}); call != want || err != nil {
			t.Errorf("got %+v, %v, want %+v", call, err, want)
		}
	})
}

func TestPollQuickIdle(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) { g.answer(200, golden(t, "idle.json")) })
		_, err := c.Poll(t.Context(), 1)
		if !errors.Is(err, push.ErrIdle) {
			t.Fatal(err)
		}
		if p := c.Pause(err); p < time.Second || p > 30*time.Second {
			t.Errorf("pause %v after an idle reply that came at once", p)
		}
	})
}

func TestPollNeverAnswered(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		start := time.Now()
		_, err := c.Poll(t.Context(), 1)
		if !errors.Is(err, errSlow) || time.Since(start) != push.PollLimit {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
		first := <-s.peers
		<-first.requests
		if _, open := <-first.requests; open {
			t.Error("the connection of the lost poll is still open")
		}
		s.serve(func(g *got) { g.answer(200, golden(t, "call.json")) })
		if _, err := c.Poll(t.Context(), 2); err != nil || s.dials() != 2 {
			t.Errorf("after it: %v, %d connections", err, s.dials())
		}
	})
}

func TestPollCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("signing on again")
		go func() { time.Sleep(time.Second); cancel(why) }()
		start := time.Now()
		_, err := c.Poll(ctx, 1)
		if !errors.Is(err, why) || time.Since(start) != time.Second {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
		s.serve(func(g *got) {
			if g.Header.Get("x-longarm-poll") == "2" {
				g.answer(200, golden(t, "call.json"))
			}
		})
		if _, err := c.Poll(t.Context(), 2); err != nil {
			t.Error(err)
		}
	})
}

func TestPollOnStaleConnection(t *testing.T) {
	tests := []struct {
		name  string
		held  time.Duration // before the service ends the second poll
		reply string        // what it still says
		want  bool          // the poll is sent again at once
	}{
		{"closed meanwhile", 0, "", true},
		{"held for long", 20 * time.Second, "", false},
		{"a byte has come", 0, "H", false},
		{"half a reply has come", 0, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *service, c *Client) {
				seen := map[string]int{}
				s.serve(func(g *got) {
					n := g.Header.Get("x-longarm-poll")
					if seen[n]++; n == "2" && seen[n] == 1 {
						time.Sleep(tt.held)
						g.raw(tt.reply)
						g.on.raw.Close()
						return
					}
					g.answer(200, golden(t, "call.json"))
				})
				if _, err := c.Poll(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				_, err := c.Poll(t.Context(), 2)
				if again := seen["2"] == 2; again != tt.want || (err == nil) != tt.want {
					t.Errorf("sent again: %v, want %v; %v", again, tt.want, err)
				}
				if _, err := c.Poll(t.Context(), 3); err != nil {
					t.Errorf("next poll: %v", err)
				}
			})
		})
	}
}

func TestConnectionClose(t *testing.T) {
	for _, closes := range []bool{true, false} { // some services say it and leave the rest to the client
		bubble(t, func(t *testing.T, s *service, c *Client) {
			s.serve(func(g *got) {
				g.answer(200, golden(t, "call.json"), "Connection: close")
				if closes {
					g.on.tls.Close()
				}
			})
			for n := range uint64(3) {
				if _, err := c.Poll(t.Context(), n+1); err != nil {
					t.Fatal(err)
				}
			}
			if s.dials() != 3 {
				t.Errorf("got %d connections, want 3", s.dials())
			}
		})
	}
}

func TestPollBadAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const echo = `{"success":false,"message":"\u001b[2Jkey ` + secret + ` is wrong"}`
	tests := []struct{ name, raw, want string }{
		{"garbage", "SSH-2.0-OpenSSH_9\r\n", "not HTTP/1.1"},
		{"half a JSON", ok + "Content-Length: 12\r\n\r\n{\"success\":t", "no push envelope"},
		{"web page", ok + "Content-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "no push envelope: it is no JSON object (text/html from push.test)"},
		{"cut", ok + "Content-Length: 100\r\n\r\n{", "cut short"},
		{"endless header", ok + strings.Repeat("x: y\r\n", 1<<13), "header is longer"},
		{"10 MB", ok + "Content-Length: 10485760\r\n\r\n", "body is longer"},
		{"redirect", "HTTP/1.1 301 X\r\nLocation: https://u:p@evil.test/x?apiKey=" + secret + "\r\nContent-Length: 0\r\n\r\n", "it redirects to https://evil.test; redirects are not followed"},
		{"redirect within", "HTTP/1.1 308 X\r\nLocation: /push/other\r\nContent-Length: 0\r\n\r\n", "another path of the same host"},
		{"echoed key", fmt.Sprintf("HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n%s", len(echo), echo), "service answered 401:  [2Jkey *** is wrong"},
		{"server error", "HTTP/1.1 502 X\r\nContent-Length: 3\r\n\r\nbad", "service answered 502"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *service, c *Client) {
				s.serve(func(g *got) { g.raw(tt.raw); g.on.tls.Close() })
				_, err := c.Poll(t.Context(), 1)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, "u:p") || strings.ContainsAny(text, "\x1b") {
					t.Errorf("%q says what nobody may see", text)
				}
				if p := c.Pause(err); p < time.Second {
					t.Errorf("pause %v", p)
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"Fri, 02 Jan 1970 00:00:30 GMT\r\nDate: Fri, 02 Jan 1970 00:00:00 GMT", 30 * time.Second}, // both of the service's clock
		{"30", 30 * time.Second},
		{"Sat, 01 Jan 2000 00:01:00 GMT", time.Minute},
		{"Fri, 31 Dec 1999 00:00:00 GMT", 0},
		{"-1", 0},
		{"soon", 0},
		{"4294967295", 4294967295 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.header, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *service, c *Client) {
				s.serve(func(g *got) {
					g.answer(503, `{"success":false,"message":"draining"}`, "Retry-After: "+tt.header)
				})
				_, err := c.Poll(t.Context(), 1)
				r, ok := errors.AsType[*push.Refusal](err)
				if !ok || r.RetryAfter != tt.want || r.Message != "draining" {
					t.Fatalf("got %+v, %v", r, err)
				}
				low, high := max(min(tt.want, maxRetryAfter), time.Second), max(min(tt.want, maxRetryAfter)*5/4, tt.want+time.Second, 2*time.Second)
				if tt.want > maxRetryAfter {
					high = maxRetryAfter * 5 / 4
				}
				if p := c.Pause(err); p < low || p > high {
					t.Errorf("pause %v, want %v to %v", p, low, high)
				}
			})
		})
	}
}

func TestURLsInTurn(t *testing.T) {
	id := newIdentity(t, early, late)
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, id)
		down := map[string]bool{"push.test:443": true} // read by dial alone, on this goroutine
		s.refuse = func(addr string) error {
			if down[addr] {
				return errors.New("connection refused")
			}
			return nil
		}
		cfg := testConfig(t, id)
		cfg.URLs = []string{"https://push.test", "https://other.test:8443"}
		c := link(t, s, cfg)
		s.serve(func(g *got) { g.answer(200, golden(t, "call.json"), "Connection: close"); g.on.tls.Close() })
		for n := range uint64(2) {
			if _, err := c.Poll(t.Context(), n+1); err != nil {
				t.Fatal(err)
			}
		}
		want := "push.test:443 other.test:8443 other.test:8443"
		if got := strings.Join(s.addrs, " "); got != want {
			t.Errorf("dialed %s, want %s", got, want)
		}
		down["other.test:8443"] = true
		_, err := c.Poll(t.Context(), 3)
		if err == nil || !strings.Contains(err.Error(), "push.test") || !strings.Contains(err.Error(), "other.test") {
			t.Errorf("want both hosts named, got %v", err)
		}
	})
}

func TestAddressesOutliveDNS(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) { g.answer(200, golden(t, "call.json"), "Connection: close"); g.on.tls.Close() })
		if _, err := c.Poll(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		gone := &net.DNSError{Err: "server misbehaving", Name: "push.test", IsTemporary: true}
		s.refuse = func(addr string) error {
			if addr == "push.test:443" {
				return gone
			}
			return nil
		}
		if _, err := c.Poll(t.Context(), 2); err != nil {
			t.Fatalf("without DNS: %v", err)
		}
		if got := strings.Join(s.addrs, " "); got != "push.test:443 push.test:443 192.0.2.1:443" {
			t.Errorf("dialed %s", got)
		}
		s.refuse = func(string) error { return gone }
		if _, err := c.Poll(t.Context(), 3); !errors.Is(err, gone) {
			t.Errorf("got %v, want the fault of the name", err)
		}
	})
}

func TestDialIsBounded(t *testing.T) {
	id := newIdentity(t, early, late)
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe() // takes the bytes of the handshake and says nothing
		defer far.Close()
		go func() {
			b := make([]byte, 4096)
			for {
				if _, err := far.Read(b); err != nil {
					return
				}
			}
		}()
		s := newService(t, id)
		c := link(t, s, testConfig(t, id), func(o *Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		})
		start := time.Now()
		_, err := c.Poll(t.Context(), 1)
		if !errors.Is(err, errDialSlow) || time.Since(start) != dialLimit {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
