package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine"
	"longarm/push/engine/memory"
	"longarm/push/service"
)

// second starts another service over the same engine.
func (w *world) second(e service.Engine) *world {
	w.t.Helper()
	other := &world{t: w.t, engine: e, admin: w.admin}
	other.start(service.Options{})
	return other
}

func TestReplicasHandOverOnce(t *testing.T) {
	bubble(t, func(t *testing.T, a *world) {
		a.box()
		b := a.second(a.engine)
		defer func() { b.stop() }()
		for round := range 20 {
			var polls []*polling
			for i := range 8 {
				polls = append(polls, [2]*world{a, b}[i%2].race())
			}
			synctest.Wait()
			id := b.call("x", "60s")
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

func TestReplicasShareLeaseAndPresence(t *testing.T) {
	bubble(t, func(t *testing.T, a *world) {
		b := a.second(a.engine) // knows the container from the watch only
		defer func() { b.stop() }()
		a.box()
		turns, err := a.engine.Watch(t.Context(), "state.>")
		if err != nil {
			t.Fatal(err)
		}
		id := a.delivered("60s")
		for range 20 {
			b.ack(id)
			time.Sleep(15 * time.Second)
			a.wantState(id, "acknowledged")
		}
		time.Sleep(16 * time.Second)
		a.wantState(id, "unanswered")
		for range 60 { // only b hears it, a judges
			b.poll().wait()
		}
		a.wantBox("online")
		time.Sleep(time.Hour)
		a.wantBox("offline")
		b.wantBox("offline")
		synctest.Wait()
		if n := len(turns); n != 2 {
			t.Errorf("transitions: got %d, want online and offline once each", n)
		}
		b.device("GET", "/push/box/signoff?reason=x", "")
		a.wantSignedOff("x")
	})
}

// The judge goes away without a word: another one takes over and starts its own clock.
func TestJudgeTakeOver(t *testing.T) {
	bubble(t, func(t *testing.T, a *world) {
		a.box()
		b := a.second(a.engine)
		defer func() { b.stop() }()
		b.poll().wait()
		a.stop()
		time.Sleep(19 * time.Minute)
		b.wantBox("late")
		time.Sleep(2 * time.Minute)
		b.wantBox("offline")
	})
}

// deaf is an engine whose watch never sends.
type deaf struct{ service.Engine }

func (d deaf) Watch(ctx context.Context, _ string) (<-chan engine.Doc, error) {
	return d.Engine.Watch(ctx, "nothing")
}

func TestLostWakeCostsOneHold(t *testing.T) {
	bubble(t, func(t *testing.T, a *world) {
		a.box()
		b := a.second(deaf{a.engine})
		defer func() { b.stop() }()
		time.Sleep(10 * time.Second)
		p := b.poll()
		id := a.call("x", "2m")
		if g := p.wait(); messageID(t, g) != id || g.took > 45*time.Second {
			t.Errorf("got %s after %v, want call %s within one hold", g.body, g.took, id)
		}
	})
}

// An engine that fails is a 503 with an envelope, and the service goes on when it is back.
func TestEngineTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &failing{Engine: memory.New()}
		w := &world{t: t, engine: bad}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.box()
		id := w.delivered("60s")
		bad.on.Store(true)
		for _, path := range []string{"/push/box/ack/" + id, "/push/box/signoff"} {
			if g := w.device("POST", path, ""); g.status != 503 || g.header.Get("Retry-After") == "" || !strings.HasPrefix(g.body, `{"success":false,`) {
				t.Errorf("%s: got %d %s, want 503 with an envelope", path, g.status, g.body)
			}
		}
		w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 503)
		g := w.poll().wait()
		wantReply(t, "poll", g, 200, idle)
		bad.on.Store(false)
		time.Sleep(2 * time.Second)
		w.wantState(id, "unanswered") // the lease that ran out meanwhile
		wantReply(t, "ack", w.ack(id), 200, success)
		if g := w.send(t.Context(), "GET", "/metrics", ""); strings.Contains(g.body, "longarm_engine_errors_total 0\n") {
			t.Error("the metrics count no engine errors")
		}
	})
}

// failing is an engine that can be broken.
type failing struct {
	service.Engine
	on atomic.Bool
}

var errBroken = errors.New("broken")

func (f *failing) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if f.on.Load() {
		return 0, errBroken
	}
	return f.Engine.Append(ctx, subject, data, expected)
}

func (f *failing) Lease(ctx context.Context, key, holder string, ttl time.Duration) (bool, error) {
	if f.on.Load() {
		return false, errBroken
	}
	return f.Engine.Lease(ctx, key, holder, ttl)
}

func (f *failing) List(ctx context.Context, filter string) ([]engine.Doc, error) {
	if f.on.Load() {
		return nil, errBroken
	}
	return f.Engine.List(ctx, filter)
}

// A crash between closing a call and filing it is made good at the next start.
func TestCrashBeforeFiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &noPurge{Engine: memory.New()}
		w := &world{t: t, engine: bad}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.box()
		id := w.delivered("60s")
		bad.on.Store(true)
		w.result(id, done)
		bad.on.Store(false)
		w.restart()
		w.wantState(id, "succeeded")
		wantReply(t, "the result again", w.result(id, done), 200, success)
		if docs, err := w.engine.List(t.Context(), "call.>"); err != nil || len(docs) != 0 {
			t.Errorf("open calls: got %d %v, want none", len(docs), err)
		}
		if docs, err := w.engine.List(t.Context(), "log.>"); err != nil || len(docs) != 1 {
			t.Errorf("logged calls: got %d %v, want 1", len(docs), err)
		}
	})
}

// noPurge is an engine that stops in the middle of closing a call.
type noPurge struct {
	service.Engine
	on atomic.Bool
}

func (n *noPurge) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if n.on.Load() && strings.HasPrefix(subject, "log.") {
		return 0, errBroken
	}
	return n.Engine.Append(ctx, subject, data, expected)
}

func TestNothingSecretIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncBuffer
		bad := &failing{Engine: memory.New()}
		w := &world{t: t, engine: bad}
		w.start(service.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		defer func() { w.stop() }()
		key := w.api("POST", "/api/v1/containers", `{"name":"box","id":"box","maxHeartbeatTimeout":1}`, 201)["key"].(string)
		w.send(t.Context(), "GET", "/push/box?apiKey="+key+"&other=querystring", "")
		w.send(t.Context(), "GET", "/push/box/signoff?reason=a%0Ab&apiKey="+key, "")
		w.send(t.Context(), "GET", "/push/box?apiKey=wrong-"+key, "")
		w.send(t.Context(), "GET", "/push/box?apiKey="+key, "")
		bad.on.Store(true)
		w.send(t.Context(), "POST", "/push/box/signoff?apiKey="+key, "")
		w.send(t.Context(), "GET", "/push/box?apiKey="+key, "")
		bad.on.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, secret := range []string{key, w.admin, "querystring", "apiKey"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log holds %q:\n%s", secret, log.String())
			}
		}
		for _, want := range []string{"container added", `reason="a b"`, "engine trouble", "short heartbeat timeout"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
	})
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestShorterLimitCountsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().wait()
		time.Sleep(10 * time.Minute)
		w.wantBox("late")
		w.device("PUT", "/1/container?id=box", `{"maxHeartbeatTimeout":5}`)
		w.wantBox("offline")
	})
}
