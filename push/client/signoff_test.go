package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push"
)

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
