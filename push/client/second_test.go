package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
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
		if g.Header.Get("User-Agent") == "" {
			t.Error("no User-Agent")
		}
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

func TestCall(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		requests := make(chan *got, 2)
		s.serve(func(g *got) { requests <- g; g.answer(200, golden(t, "reply-call.json")) })
		const id, ttl = "trigger-5d3c1f0e-7a2b-4c6d-8e9f-0a1b2c3d4e5f", 59750 * time.Millisecond
		r, err := c.Call(t.Context(), "", "Lamp/1", id, "siren on 30s", ttl)
		if err != nil || !r.Success || r.MessageID() != "0f9c3a52-8d0e-4c1b-9d5e-2b6f0a7c1e11" {
			t.Errorf("got %+v, %v", r, err)
		}
		g := <-requests
		if g.Method != "POST" || g.RequestURI != "/base/push/box1/call/Lamp%2F1" || g.body != golden(t, "request-call.json") || g.Header.Get("X-Api-Key") != secret {
			t.Errorf("got %s %s %s", g.Method, g.RequestURI, g.body)
		}
		if _, err := c.Call(t.Context(), "child", "lamp", "a", "x", 0); err != nil {
			t.Error(err)
		}
		if g := <-requests; g.RequestURI != "/base/push/child/call/lamp" || g.body != `{"id":"a","data":"x"}` {
			t.Errorf("got %s %s", g.RequestURI, g.body)
		}
		s.serve(func(g *got) { g.answer(200, `{"success":false,"message":"signed off: \u001b`+secret+`"}`) })
		if r, err := c.Call(t.Context(), "", "lamp", "b", "x", 0); err != nil || r.Success || r.Message != "signed off:  ***" {
			t.Errorf("got %+v, %v", r, err)
		}
		s.serve(func(g *got) { g.answer(403, `{"success":false,"message":"no grant"}`) })
		_, err = c.Call(t.Context(), "", "lamp", "c", "x", 0)
		if refusal, ok := errors.AsType[*push.Refusal](err); !ok || refusal.Status != 403 || refusal.Message != "no grant" {
			t.Errorf("got %v", err)
		}
		if s.dials() != 1 {
			t.Errorf("got %d connections", s.dials())
		}
		_, err = c.Call(t.Context(), "", "lamp", "d", strings.Repeat("x", push.MaxBody), 0)
		if err == nil || !strings.Contains(err.Error(), "longer than 64 KiB") {
			t.Errorf("got %v", err)
		}
	})
}

// TestCallReplyLost: the connection ends before the reply, and the same
// request follows on a fresh one; the service tells them apart by the id.
func TestCallReplyLost(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		var bodies []string
		s.serve(func(g *got) {
			if bodies = append(bodies, g.body); len(bodies) == 2 {
				g.on.tls.Close()
				return
			}
			g.answer(200, golden(t, "reply-call.json"))
		})
		for range 2 {
			if r, err := c.Call(t.Context(), "", "lamp", "a", "x", 0); err != nil || r.MessageID() == "" {
				t.Errorf("got %+v, %v", r, err)
			}
		}
		if len(bodies) != 3 || bodies[1] != bodies[2] {
			t.Errorf("requests %q, want the second one twice", bodies)
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

// TestMixedTraffic gives requests up at random moments while others and
// sign-offs go on, over real TLS: nobody ever gets another's reply.
func TestMixedTraffic(t *testing.T) {
	from, until := valid()
	id := newIdentity(t, from, until)
	srv := listen(t, id, nil, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/signoff") {
			_, _ = io.WriteString(w, golden(t, "reply-ok.json"))
			return
		}
		_, _ = io.WriteString(w, `{"success":false,"message":"`+r.URL.Path+`"}`) // no sign-off takes this
	})
	c := dialled(t, testConfig(t, id), srv)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 50 {
				id := strconv.Itoa(worker*1000 + i)
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					go cancel()
				}
				r, err := c.Ack(ctx, "c", id)
				cancel()
				switch {
				case err == nil && r.Message != "/push/c/ack/"+id:
					t.Errorf("%s got the reply to %s", id, r.Message)
				case err != nil && !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			if err := c.SignOff(t.Context(), "power-fail", 1); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

// TestGreet asks once on each new second connection, and no more.
func TestGreet(t *testing.T) {
	bubble(t, func(t *testing.T, s *service, c *Client) {
		requests := make(chan *got, 4)
		s.serve(func(g *got) { requests <- g; g.answer(200, golden(t, "reply-ok.json"), "x-longarm: 1") })
		for range 3 {
			if err := c.Greet(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		g := <-requests
		if g.Method != "GET" || g.URL.Path != "/base/1/container" || g.URL.Query().Get("id") == "" {
			t.Errorf("got %s %s", g.Method, g.RequestURI)
		}
		if len(requests) != 0 || s.dials() != 1 || !c.Ours() {
			t.Errorf("%d more requests, %d connections, ours %v; want 0, 1, true", len(requests), s.dials(), c.Ours())
		}
		c.second.drop()
		if err := c.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(requests) != 1 || s.dials() != 2 {
			t.Errorf("after the connection was lost: %d requests, %d connections; want 1, 2", len(requests), s.dials())
		}
	})
}
