package service_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine"
	"longarm/push/engine/memory"
	"longarm/push/service"
)

// What goes back goes back to the head, also when others were queued before it came back.
func TestPutBackKeepsPlace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		var broken atomic.Bool
		w.pipes.wrap = func(c net.Conn) net.Conn { return &breaks{Conn: c, broken: &broken} }
		first, second := w.call("first", "60s"), w.call("second", "60s")
		w.client.CloseIdleConnections() // a request on a used connection would be sent twice
		broken.Store(true)
		if g := w.poll().wait(); g.err == nil {
			t.Fatalf("the broken poll got %s", g.body)
		}
		broken.Store(false)
		for _, want := range []string{first, second} {
			if got := messageID(t, w.poll().wait()); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// A client that goes away between the claim and the reply: the connection would still take the bytes.
func TestPutBackBeforeReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowClaim{Engine: memory.New(), claiming: make(chan bool, 1)}
		w := &world{t: t, engine: slow}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.pipes.wrap = func(c net.Conn) net.Conn { return swallows{c} }
		w.box()
		p := w.poll()
		slow.on.Store(true)
		id := w.call("x", "60s")
		<-slow.claiming
		p.cancel()
		p.wait()
		time.Sleep(2 * time.Second)
		w.wantState(id, "queued")
	})
}

// slowClaim is an engine whose first claim takes a second.
type slowClaim struct {
	service.Engine
	on       atomic.Bool
	claiming chan bool
}

func (s *slowClaim) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if strings.Contains(string(data), `"state":"delivered"`) && s.on.CompareAndSwap(true, false) {
		s.claiming <- true
		time.Sleep(time.Second)
	}
	return s.Engine.Append(ctx, subject, data, expected)
}

// swallows is a connection that takes bytes for a client that is gone, as TCP does.
type swallows struct{ net.Conn }

func (s swallows) Write(p []byte) (int, error) {
	if _, err := s.Conn.Write(p); err != nil {
		return len(p), nil
	}
	return len(p), nil
}

// Without a timer that expired it in time, a call whose life is over is still not delivered, nor taken up by an acknowledgement.
func TestLifeIsHeldWithoutTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, engine: memory.New(), still: true}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.box()
		queued := w.call("x", "5s")
		time.Sleep(6 * time.Second)
		wantReply(t, "poll", w.poll().wait(), 200, idle)
		w.wantState(queued, "expired")
		for _, late := range []func(id string) got{w.ack, func(id string) got { return w.result(id, done) }} {
			id := w.delivered("5s")
			time.Sleep(6 * time.Second)
			wantReply(t, "too late", late(id), 200, `{"success":false,"message":"expired"}`)
			w.wantState(id, "expired")
		}
	})
}

// Other writers are always in the way, and everything still ends as it should.
func TestConflictsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, engine: &quarrel{Engine: memory.New()}}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.box()
		for range 5 {
			id := w.delivered("60s")
			wantReply(t, "ack", w.ack(id), 200, success)
			time.Sleep(31 * time.Second)
			w.wantState(id, "unanswered")
			wantReply(t, "result", w.result(id, done), 200, success)
			w.wantState(id, "succeeded, late")
			wantReply(t, "sign-off", w.device("GET", "/push/box/signoff", ""), 200, success)
			w.wantBox("signed-off")
			w.poll().cancel()
			w.wantBox("online")
		}
		id := w.call("x", "60s")
		w.api("DELETE", "/api/v1/calls/"+id, "", 200)
		if g := w.device("PUT", "/1/container?id=box", `{"name":"box two"}`); g.status != 200 {
			t.Errorf("rename: got %d %s", g.status, g.body)
		}
	})
}

// quarrel is an engine in which another writer is first every other time.
type quarrel struct {
	service.Engine
	n atomic.Int64
}

func (q *quarrel) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if expected != 0 && q.n.Add(1)%2 == 1 {
		return 0, engine.ErrConflict
	}
	return q.Engine.Append(ctx, subject, data, expected)
}

// The silence counts from the end of the poll, also when its client hung up.
func TestSilenceCountsFromHangUp(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		p := w.poll()
		time.Sleep(40 * time.Second)
		p.cancel()
		p.wait()
		time.Sleep(20*time.Minute - time.Millisecond)
		w.wantBox("late")
		time.Sleep(time.Millisecond)
		w.wantBox("offline")
	})
}
