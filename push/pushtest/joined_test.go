package pushtest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push"
	"longarm/push/client"
)

// joined runs f with a service and one client in a bubble.
func joined(t *testing.T, f func(t *testing.T, w *World, c *client.Client)) {
	synctest.Test(t, func(t *testing.T) {
		w := New(t)
		c := w.Client(client.Options{Instance: "a"})
		defer func() { _ = c.Close(); w.Stop(); time.Sleep(time.Second) }() // net/http lingers over a closed connection
		f(t, w, c)
	})
}

func TestIdlePollIsHeldForTheWholeHold(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		began := time.Now()
		_, err := c.Poll(t.Context(), 1)
		if !errors.Is(err, push.ErrIdle) {
			t.Fatalf("got %v, want idle", err)
		}
		if held := time.Since(began); held != push.Hold {
			t.Errorf("held for %s, want %s", held, push.Hold)
		}
		if pause := c.Pause(err); pause != 0 {
			t.Errorf("pause %s after a held poll, want none", pause)
		}
	})
}

func TestCallThereAndBack(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		id := w.Click("router cycle 10s", "60s")
		call, err := c.Poll(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if call.MessageID != id || call.Data != "router cycle 10s" || call.TTL != 60*time.Second || call.ContainerID != w.Container {
			t.Errorf("got %+v", call)
		}
		if reply, err := c.Ack(t.Context(), call.ContainerID, id); err != nil || !reply.Success {
			t.Errorf("acknowledge: %v %+v", err, reply)
		}
		if s := w.Look(id); s.State != "acknowledged" {
			t.Errorf("state %q, want acknowledged", s.State)
		}
		result := push.Result{Success: true, Message: "done", Data: json.RawMessage(`{"state":"done"}`)}
		for range 2 { // the same result again changes nothing
			if reply, err := c.Result(t.Context(), call.ContainerID, id, result); err != nil || !reply.Success {
				t.Errorf("result: %v %+v", err, reply)
			}
		}
		if s := w.Look(id); s.State != "succeeded" || string(s.Result.Data) != `{"state":"done"}` {
			t.Errorf("got %+v", s)
		}
		if n := w.Handshakes.Load(); n != 2 {
			t.Errorf("%d connections, want 2: the poll's and the other", n)
		}
	})
}

func TestSilentDeviceIsUnansweredThenLate(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		id := w.Click("router cycle 10s", "60s")
		if _, err := c.Poll(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Ack(t.Context(), w.Container, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(push.Lease + time.Second)
		if s := w.Look(id); s.State != "unanswered" {
			t.Errorf("state %q after the lease, want unanswered", s.State)
		}
		if _, err := c.Result(t.Context(), w.Container, id, push.Result{Success: true, Message: "done"}); err != nil {
			t.Fatal(err)
		}
		if s := w.Look(id); s.State != "succeeded" || !s.Late {
			t.Errorf("got %+v, want succeeded, late", s)
		}
	})
}

func TestExpiredCallIsNeverDelivered(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		id := w.Click("router cycle 10s", "2s")
		time.Sleep(3 * time.Second)
		if s := w.Look(id); s.State != "expired" {
			t.Errorf("state %q, want expired", s.State)
		}
		if call, err := c.Poll(t.Context(), 1); !errors.Is(err, push.ErrIdle) {
			t.Errorf("got %+v %v, want idle", call, err)
		}
	})
}

func TestSignOffWithAPollOpen(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		ended := make(chan error, 1)
		go func() {
			_, err := c.Poll(context.Background(), 7)
			ended <- err
		}()
		synctest.Wait()
		if err := c.KeepWarm(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := w.Handshakes.Load()
		c.ArmSignOff("power-fail", 7)
		if err := c.SignOff(t.Context(), "power-fail", 7); err != nil {
			t.Fatal(err)
		}
		if n := w.Handshakes.Load() - before; n != 0 {
			t.Errorf("the sign-off opened %d connections, want none", n)
		}
		if code := w.Call("POST", "/api/v1/containers/box/calls", `{"data":"router on"}`, nil); code != 409 {
			t.Errorf("a call to a signed-off box: status %d, want 409", code)
		}
		if err := <-ended; !errors.Is(err, push.ErrIdle) {
			t.Errorf("the open poll ended with %v, want idle", err)
		}
		state := func() string {
			var box struct{ State, Reason string }
			w.Call("GET", "/api/v1/containers/box", "", &box)
			return box.State + " " + box.Reason
		}
		if got := state(); got != "signed-off power-fail" {
			t.Errorf("state %q", got)
		}
		quick, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = c.Poll(quick, 7) // a late poll of the run that signed off
		if got := state(); got != "signed-off power-fail" {
			t.Errorf("state %q after a poll that is not above the sign-off's", got)
		}
		id := w.clickAfterSignOn(t, c)
		if s := w.Look(id); s.State != "delivered" {
			t.Errorf("state %q, want delivered", s.State)
		}
	})
}

// clickAfterSignOn signs on with a higher poll and lets it fetch a call.
func (w *World) clickAfterSignOn(t *testing.T, c *client.Client) string {
	got := make(chan push.Call, 1)
	go func() {
		call, _ := c.Poll(context.Background(), 8) // no call: the state tells
		got <- call
	}()
	synctest.Wait()
	id := w.Click("router on", "60s")
	<-got
	return id
}

func TestServiceRestartsUnderAHeldPoll(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		ended := make(chan error, 1)
		go func() {
			_, err := c.Poll(context.Background(), 1)
			ended <- err
		}()
		synctest.Wait()
		id := ""
		w.Stop()
		err := <-ended
		if err == nil || errors.Is(err, push.ErrIdle) {
			t.Errorf("the held poll ended with %v, want a fault", err)
		}
		if pause := c.Pause(err); pause < 0 || pause > 2*time.Minute {
			t.Errorf("pause %s", pause)
		}
		w.Start()
		id = w.Click("router on", "60s")
		if call, err := c.Poll(t.Context(), 2); err != nil || call.MessageID != id {
			t.Errorf("got %+v %v", call, err)
		}
	})
}

func TestGreetKnowsOurServiceWhileAPollIsHeld(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		ended := make(chan error, 1)
		go func() {
			_, err := c.Poll(context.Background(), 1)
			ended <- err
		}()
		synctest.Wait()
		if c.Ours() {
			t.Fatal("ours before any reply")
		}
		if err := c.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !c.Ours() {
			t.Error("not ours after the greeting")
		}
		if err := c.State(t.Context(), push.Report{Agent: push.AgentState{Version: "v1"}}); err != nil {
			t.Error(err)
		}
		if n := w.Handshakes.Load(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		<-ended
	})
}
