package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push"
)

func TestAckAndResult(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		requests := make(chan *got, 2)
		s.serve(func(g *got) { requests <- g; g.answer(200, golden(t, "reply-expired.json")) })
		r, err := c.Ack(t.Context(), "C/1", "m 1")
		if err != nil || r.Success || r.Message != "expired" {
			t.Errorf("ack: %+v, %v", r, err)
		}
		g := <-requests
		if g.Method != "POST" || g.RequestURI != "/base/push/C%2F1/ack/m%201" || g.body != `{"containerId":"C/1","messageId":"m 1"}` {
			t.Errorf("got %s %s %s", g.Method, g.RequestURI, g.body)
		}
		if _, err = c.Result(t.Context(), "c", "m", push.Result{Success: true, Message: "on"}); err != nil {
			t.Error(err)
		}
		g = <-requests
		if g.Method != "POST" || g.RequestURI != "/base/push/c/result/m" || g.body != `{"success":true,"message":"on","data":{}}` || g.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s %s %v", g.Method, g.RequestURI, g.body, g.Header)
		}
		if s.dials() != 1 {
			t.Errorf("got %d connections", s.dials())
		}
		_, err = c.Result(t.Context(), "c", "m", push.Result{Message: strings.Repeat("x", push.MaxBody)})
		if err == nil || !strings.Contains(err.Error(), "longer than 64 KiB") {
			t.Errorf("got %v", err)
		}
	})
}

func TestStateOnlyToOurs(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		states := make(chan string, 3)
		report := push.Report{Agent: push.AgentState{Version: "0.1.0", Instance: "i1"}}
		for _, ours := range []bool{false, true, false} {
			s.serve(func(g *got) {
				if strings.HasSuffix(g.URL.Path, "/state") {
					states <- g.body
				}
				g.answer(200, golden(t, "reply-ok.json"), "X-Longarm: "+map[bool]string{true: "1", false: "2"}[ours])
			})
			if _, err := c.Ack(t.Context(), "c", "m"); err != nil || c.Ours() != ours {
				t.Fatalf("ours: %v, want %v; %v", c.Ours(), ours, err)
			}
			if err := c.State(t.Context(), report); err != nil {
				t.Error(err)
			}
		}
		if len(states) != 1 || <-states != golden(t, "state-empty.json") {
			t.Error("want one report, to our service")
		}
	})
}

func TestAckNotAnswered(t *testing.T) {
	tests := []struct {
		name  string
		h     func(g *got)
		after time.Duration
		want  error
	}{
		{"silence", func(*got) {}, push.AckLimit, errSlow},
		{"portal", func(g *got) { g.answer(200, "<html>") }, 0, push.ErrNoEnvelope},
		{"no content", func(g *got) { g.raw("HTTP/1.1 204 X\r\n\r\n") }, 0, push.ErrNoEnvelope},
		{"drips", func(g *got) {
			g.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
			for g.raw("x") {
				time.Sleep(time.Second)
			}
		}, push.AckLimit, errSlow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *service, c *Client) {
				s.serve(tt.h)
				start := time.Now()
				if _, err := c.Ack(t.Context(), "c", "m"); !errors.Is(err, tt.want) || time.Since(start) != tt.after {
					t.Fatalf("got %v after %v", err, time.Since(start))
				}
				s.serve(func(g *got) { g.answer(200, golden(t, "reply-ok.json")) })
				if r, err := c.Ack(t.Context(), "c", "m"); err != nil || !r.Success {
					t.Errorf("next: %+v, %v", r, err)
				}
				time.Sleep(time.Minute) // the one that drips notices
			})
		})
	}
}

// TestSignOffPipelined signs off behind an acknowledgement that the service
// has not answered yet: at once, on the same connection, and each gets its own
// reply.
func TestSignOffPipelined(t *testing.T) {
	tests := []struct {
		name   string
		cancel bool // the acknowledgement is given up before its reply comes
	}{
		{"the acknowledgement waits", false},
		{"the acknowledgement is given up", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *service, c *Client) {
				c.ArmSignOff("power-fail", 9)
				power := errors.New("power")
				ctx, cancel := context.WithCancelCause(t.Context())
				acked := make(chan error, 1)
				go func() {
					r, err := c.Ack(ctx, "c", "m")
					if err == nil && r.Message != "for the ack" {
						err = errors.New("another's reply: " + r.Message)
					}
					acked <- err
				}()
				p := <-s.peers
				ack := <-p.requests
				start := time.Now()
				off := make(chan error, 1)
				go func() { off <- c.SignOff(t.Context(), "power-fail", 9) }()
				g := <-p.requests
				if g.RequestURI != "/base/push/box1/signoff?reason=power-fail" || g.Header.Get("x-longarm-poll") != "9" || g.at != start {
					t.Fatalf("got %s, poll %s, after %v", g.RequestURI, g.Header.Get("x-longarm-poll"), g.at.Sub(start))
				}
				if tt.cancel {
					cancel(power)
					if err := <-acked; !errors.Is(err, power) {
						t.Errorf("ack: %v", err)
					}
				}
				synctest.Wait()
				ack.answer(200, `{"success":false,"message":"for the ack"}`)
				synctest.Wait()
				select {
				case err := <-off:
					t.Fatalf("signed off with the acknowledgement's reply: %v", err)
				default:
				}
				g.answer(200, `{"success":true,"message":"for the sign-off"}`)
				if err := <-off; err != nil {
					t.Error(err)
				}
				if !tt.cancel {
					if err := <-acked; err != nil {
						t.Error(err)
					}
				}
				cancel(nil)
				if s.dials() != 1 || !c.Armed() {
					t.Errorf("%d connections, armed %v", s.dials(), c.Armed())
				}
			})
		})
	}
}

// TestSignOffRequest: what was armed is sent only if it is what is asked for.
func TestSignOffRequest(t *testing.T) {
	tests := []struct {
		auth, reason string
		n            uint64
		want, poll   string
	}{
		{"header", "power-fail", 9, "/base/push/box1/signoff?reason=power-fail", "9"},
		{"header", "power-fail", 10, "/base/push/box1/signoff?reason=power-fail", "10"},
		{"header", "shutdown", 9, "/base/push/box1/signoff?reason=shutdown", "9"},
		{"query", "power-fail", 9, "/base/push/box1/signoff?reason=power-fail&apiKey=" + secret, "9"},
	}
	id := newIdentity(t, early, late)
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newService(t, id)
			cfg := testConfig(t, id)
			cfg.Auth = tt.auth
			c := link(t, s, cfg)
			requests := make(chan *got, 1)
			s.serve(func(g *got) { requests <- g; g.answer(200, golden(t, "reply-ok.json")) })
			c.ArmSignOff("power-fail", 9)
			if err := c.SignOff(t.Context(), tt.reason, tt.n); err != nil {
				t.Fatal(err)
			}
			g := <-requests
			if got, poll := g.URL.String(), g.Header.Get("x-longarm-poll"); g.Method != "GET" || got != tt.want || poll != tt.poll {
				t.Errorf("got %s %s, poll %s, want %s, %s", g.Method, got, poll, tt.want, tt.poll)
			}
		})
	}
}

func TestSignOffWithoutWarmConnection(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) { g.answer(200, golden(t, "reply-ok.json")) })
		if c.Armed() {
			t.Error("armed before any connection")
		}
		if err := c.SignOff(t.Context(), "shutdown", 3); err != nil || s.dials() != 1 {
			t.Errorf("got %v, %d connections", err, s.dials())
		}
	})
}

func TestSignOffWhenWarmConnectionIsDead(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		seen := make(chan string, 10)
		s.serve(func(g *got) { seen <- g.URL.String(); g.answer(200, golden(t, "reply-ok.json")) })
		if _, err := c.Ack(t.Context(), "c", "m"); err != nil {
			t.Fatal(err)
		}
		s.open[1].Close() // the service's end
		if err := c.SignOff(t.Context(), "up date&x=1", 3); err != nil || s.dials() != 2 {
			t.Errorf("got %v, %d connections", err, s.dials())
		}
		<-seen
		if got := <-seen; got != "/base/push/box1/signoff?reason=up+date%26x%3D1" {
			t.Errorf("got %s", got)
		}
	})
}

// TestSignOffPastStuckWrite dials when another request's write does not end.
func TestSignOffPastStuckWrite(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := <-s.peers
		stuck := c.second.warm.Load()
		stuck.write <- struct{}{} // as a write would that the kernel does not take
		s.serve(func(g *got) { g.answer(200, golden(t, "reply-ok.json")) })
		start := time.Now()
		if err := c.SignOff(t.Context(), "power-fail", 3); err != nil || s.dials() != 2 {
			t.Errorf("got %v, %d connections", err, s.dials())
		}
		if d := time.Since(start); d != maxWriteWait {
			t.Errorf("took %v", d)
		}
		<-stuck.write
		if len(p.requests) > 0 {
			t.Error("it was written twice")
		}
	})
}

func TestSignOffRefused(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) { g.answer(403, `{"success":false,"message":"another key"}`) })
		r, ok := errors.AsType[*push.Refusal](c.SignOff(t.Context(), "shutdown", 3))
		if !ok || r.Status != 403 || s.dials() != 1 {
			t.Errorf("got %v, %d connections", r, s.dials())
		}
	})
}

// TestWriteDeadline gives up a connection whose write ran into its deadline,
// for that poisons TLS, and every request that waits on it.
func TestWriteDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := <-s.peers
		for len(p.requests) < cap(p.requests) {
			p.requests <- nil
		}
		acked := make(chan error, 1)
		go func() {
			_, err := c.Ack(t.Context(), "c", "m") // the peer's reader takes this one and stops
			acked <- err
		}()
		time.Sleep(2 * probeLimit)
		synctest.Wait()
		warm := c.second.warm.Load()
		start := time.Now()
		_, err := warm.send(t.Context(), make([]byte, 64<<10))
		if _, lost := errors.AsType[*lostError](err); !lost || time.Since(start) != writeLimit || warm.alive() {
			t.Errorf("got %v after %v, alive %v", err, time.Since(start), warm.alive())
		}
		s.serve(func(g *got) { g.answer(200, golden(t, "reply-ok.json")) })
		if err := <-acked; err != nil || s.dials() != 2 {
			t.Errorf("the request before it: %v, %d connections", err, s.dials())
		}
		for len(p.requests) > 0 {
			<-p.requests // lets the peer's reader go
		}
	})
}

func TestKeepWarm(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		for range 3 {
			if err := c.KeepWarm(t.Context()); err != nil || !c.Armed() || s.dials() != 1 {
				t.Fatalf("got %v, armed %v, %d connections", err, c.Armed(), s.dials())
			}
		}
		(<-s.peers).tls.Close() // the service's idle limit
		if err := c.KeepWarm(t.Context()); err != nil || !c.Armed() || s.dials() != 2 {
			t.Errorf("got %v, armed %v, %d connections", err, c.Armed(), s.dials())
		}
		(<-s.peers).tls.Close()
		s.refuse = func(string) error { return errors.New("connection refused") }
		if err := c.KeepWarm(t.Context()); err == nil || c.Armed() || s.dials() != 3 {
			t.Errorf("got %v, armed %v, %d dials", err, c.Armed(), s.dials())
		}
	})
}

func TestBytesNobodyAskedFor(t *testing.T) {
	const extra = "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n" + `{"success":true,"message":"fake"}`
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) {
			g.raw("HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n" + `{"success":true,"message":""}` + extra)
		})
		for range 3 {
			if r, err := c.Ack(t.Context(), "c", "m"); err != nil || r.Message != "" {
				t.Fatalf("got %+v, %v", r, err)
			}
			if c.Armed() {
				t.Error("a sign-off would take the bytes for its reply")
			}
		}
		if s.dials() != 3 {
			t.Errorf("got %d connections, want one each", s.dials())
		}
	})
	bubble(t, func(t *testing.T, s *service, c *Client) {
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := <-s.peers
		go func() { _, _ = p.tls.Write([]byte(extra)) }()
		synctest.Wait()
		if err := c.KeepWarm(t.Context()); err != nil || s.dials() != 2 {
			t.Errorf("got %v, %d connections, want a second one", err, s.dials())
		}
	})
}

// TestIdleConnectionEnded covers what services say, or do not say, when they
// end an idle connection: the next request must not take it for its reply.
func TestIdleConnectionEnded(t *testing.T) {
	for _, last := range []string{
		"", "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n" + `{"success":true,"message":"fake"}`, "\x00",
	} {
		bubble(t, func(t *testing.T, s *service, c *Client) {
			s.serve(func(g *got) {
				g.answer(200, golden(t, "reply-ok.json"))
				go func() { // in a TLS record of its own, behind the reply
					if last != "" {
						g.raw(last)
					}
					g.on.tls.Close()
				}()
			})
			for range 3 {
				if r, err := c.Ack(t.Context(), "c", "m"); err != nil || r.Message != "" {
					t.Errorf("%q: got %+v, %v", last, r, err)
				}
				synctest.Wait()
			}
		})
	}
}

// TestRequestTimeoutCrosses: a 408 that crosses a request on its way is no
// reply to it.
func TestRequestTimeoutCrosses(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := <-s.peers
		go func() {
			g := <-p.requests
			g.answer(408, "", "Connection: close")
			p.tls.Close()
		}()
		s.serve(func(g *got) { g.answer(200, golden(t, "reply-ok.json")) })
		if err := c.SignOff(t.Context(), "power-fail", 1); err != nil || s.dials() != 2 {
			t.Errorf("got %v, %d connections", err, s.dials())
		}
	})
}

func TestTooManyUnread(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(*got) {})
		for range maxUnread + 2 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { time.Sleep(time.Second); cancel() }()
			if _, err := c.Ack(ctx, "c", "m"); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if s.dials() != 2 {
			t.Errorf("got %d connections, want the first one given up after %d replies that nobody saw", s.dials(), maxUnread+1)
		}
	})
}

// TestDeadPathGivesUpBoth: a poll that meets silence says that the path is
// dead, and the idle second connection takes the same path.
func TestDeadPathGivesUpBoth(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Poll(t.Context(), 1); !errors.Is(err, errSlow) {
			t.Fatal(err)
		}
		if c.Armed() {
			t.Error("still armed on a path that is dead")
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		s.serve(func(g *got) {
			time.Sleep(100 * time.Millisecond)
			g.answer(200, `{"success":true,"message":"`+g.URL.Path+`"}`)
		})
		errs := make(chan error, 16)
		for i := range 16 {
			go func() {
				id := string(rune('a' + i))
				r, err := c.Ack(t.Context(), "c", id)
				if err == nil && r.Message != "/base/push/c/ack/"+id {
					err = errors.New("another's reply: " + r.Message)
				}
				errs <- err
			}()
		}
		for range 16 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if s.dials() != 1 {
			t.Errorf("got %d connections", s.dials())
		}
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		polled := make(chan error, 1)
		go func() { _, err := c.Poll(t.Context(), 1); polled <- err }()
		synctest.Wait()
		start := time.Now()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-polled; err == nil || time.Since(start) > 6*time.Second {
			t.Errorf("the poll ended with %v after %v", err, time.Since(start))
		}
		if _, err := c.Ack(t.Context(), "c", "m"); !errors.Is(err, errClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}
