package service_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestPollIdle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		g := w.poll().wait()
		wantReply(t, "poll without a call", g, 200, idle)
		if g.took != 45*time.Second {
			t.Errorf("hold: got %v, want 45s", g.took)
		}
		if got := g.header.Get("x-longarm"); got != "1" {
			t.Errorf("x-longarm: got %q, want 1", got)
		}
	})
}

func TestPollTakesCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		p := w.poll()
		time.Sleep(10 * time.Second)
		if !p.open() {
			t.Fatal("the poll ended without a call")
		}
		id := w.call("router cycle 10s", "60s")
		g := p.wait()
		want := fmt.Sprintf(`{"success":true,"message":"","data":{"rootContainerId":"box","containerId":"box","senderId":"box","messageId":%q,"control":"","data":"router cycle 10s","ttlMs":60000}}`, id)
		wantReply(t, "poll", g, 200, want)
		w.wantState(id, "delivered")
	})
}

func TestPollFirstInFirstOut(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		var ids []string
		for i := range 5 {
			ids = append(ids, w.call(fmt.Sprint("call ", i), "60s"))
		}
		for i, id := range ids {
			if got := messageID(t, w.poll().wait()); got != id {
				t.Errorf("poll %d: got %s, want %s", i, got, id)
			}
		}
	})
}

func TestPollRestOfLife(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.call("x", "60s")
		time.Sleep(20 * time.Second)
		if g := w.poll().wait(); !strings.Contains(g.body, `"ttlMs":40000}`) {
			t.Errorf("got %s, want 40000 ms left", g.body)
		}
	})
}

// A client that goes away while a call is on its way gets it with the next poll, before all others.
func TestPutBackWhenClientIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		var broken atomic.Bool
		w.pipes.wrap = func(c net.Conn) net.Conn { return &breaks{Conn: c, broken: &broken} }
		p := w.poll()
		broken.Store(true)
		first := w.call("first", "60s")
		if g := p.wait(); g.err == nil {
			t.Fatalf("the broken poll got %s", g.body)
		}
		broken.Store(false)
		w.wantState(first, "queued")
		second := w.call("second", "60s")
		for _, want := range []string{first, second} {
			if got := messageID(t, w.poll().wait()); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// breaks is a connection whose other end is gone, which only writing shows. The operator's connections work: they write
// an operator's answer.
type breaks struct {
	net.Conn
	broken *atomic.Bool
}

func (b *breaks) Write(p []byte) (int, error) {
	if b.broken.Load() && strings.Contains(string(p), `"messageId"`) && strings.Contains(string(p), `"ttlMs"`) {
		b.Close()
		return 0, errors.New("broken pipe")
	}
	return b.Conn.Write(p)
}

// A client that hangs up while it waits takes nothing with it.
func TestHangUpWhileWaiting(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		p := w.poll()
		p.cancel()
		p.wait()
		id := w.call("x", "60s")
		w.wantState(id, "queued")
		if got := messageID(t, w.poll().wait()); got != id {
			t.Errorf("got %s, want %s", got, id)
		}
	})
}

func TestNewestPollTakesCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		older := w.poll()
		time.Sleep(10 * time.Second)
		newer := w.poll()
		id := w.call("x", "60s")
		if got := messageID(t, newer.wait()); got != id {
			t.Errorf("newer: got %q, want %s", got, id)
		}
		g := older.wait()
		wantReply(t, "older", g, 200, idle)
		if g.took != 45*time.Second {
			t.Errorf("older poll: ended after %v, want 45s undisturbed", g.took)
		}
	})
}

func TestTwoDevicesAreShown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		const note = "two devices use this container"
		a := w.poll()
		time.Sleep(20 * time.Second)
		b := w.poll()
		a.wait()
		if got := w.container()["reason"]; got != "" {
			t.Errorf("after one reconnect: got %q, want nothing", got)
		}
		a = w.poll()
		b.wait()
		if got := w.container()["reason"]; got != note {
			t.Errorf("got %q, want %q", got, note)
		}
		a.wait()
		w.poll().wait() // alone again
		if got := w.container()["reason"]; got != "" {
			t.Errorf("alone again: got %q, want nothing", got)
		}
	})
}

// Eight polls race for each call and exactly one gets it, whatever the order.
func TestRacingPolls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for round := range 20 {
			id := w.call("x", "60s")
			var polls []*polling
			for range 8 {
				polls = append(polls, w.race())
			}
			synctest.Wait()
			winners := 0
			for _, p := range polls {
				if messageID(t, p.wait()) == id {
					winners++
				}
			}
			if winners != 1 {
				t.Fatalf("round %d: %d polls got the call, want 1", round, winners)
			}
		}
	})
}

// race starts a poll and does not wait for anything.
func (w *world) race() *polling {
	p := &polling{answer: make(chan got, 1), cancel: func() {}}
	go func() { p.answer <- w.send(w.t.Context(), "GET", "/push/box", "", "x-api-key: k") }()
	return p
}

func TestTooManyPolls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		var polls []*polling
		for range 8 {
			polls = append(polls, w.poll())
		}
		g := w.poll().wait()
		if g.status != 429 || g.header.Get("Retry-After") == "" || g.took != time.Second {
			t.Errorf("ninth poll: got %d, Retry-After %q after %v; want 429 with it after 1s", g.status, g.header.Get("Retry-After"), g.took)
		}
		for _, p := range polls {
			wantReply(t, "poll", p.wait(), 200, idle)
		}
	})
}

func TestDrain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		p := w.poll()
		time.Sleep(5 * time.Second)
		if err := w.s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		g := p.wait()
		wantReply(t, "held poll", g, 200, idle)
		if g.took != 5*time.Second || !g.close {
			t.Errorf("held poll: after %v, close %v; want at once and close", g.took, g.close)
		}
		g = w.poll().wait()
		wantReply(t, "new poll", g, 503, `{"success":false,"message":"the service is stopping"}`)
		if g.header.Get("Retry-After") != "5" {
			t.Errorf("Retry-After: got %q, want 5", g.header.Get("Retry-After"))
		}
		if g := w.send(t.Context(), "GET", "/readyz", ""); g.status != 503 {
			t.Errorf("readyz: got %d, want 503", g.status)
		}
	})
}
