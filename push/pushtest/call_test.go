package pushtest

import (
	"errors"
	"testing"
	"time"

	"longarm/push"
	"longarm/push/client"
)

// A container calls another, here itself: the same id again, also after the
// service was killed, is the same call.
func TestContainerCallsThroughTheService(t *testing.T) {
	joined(t, func(t *testing.T, w *World, c *client.Client) {
		const life = 30 * time.Second
		_, err := c.Call(t.Context(), "", w.Container, "trigger-1", "siren on 30s", life)
		if refusal, ok := errors.AsType[*push.Refusal](err); !ok || refusal.Status != 403 {
			t.Fatalf("without a grant: got %v, want 403", err)
		}
		if code := w.Call("PATCH", "/api/v1/containers/box", `{"mayCall":["box"]}`, nil); code != 200 {
			t.Fatalf("grant: got status %d", code)
		}
		made, err := c.Call(t.Context(), "", w.Container, "trigger-1", "siren on 30s", life)
		if err != nil || !made.Success || made.MessageID() == "" {
			t.Fatalf("got %+v, %v", made, err)
		}
		if err := c.Close(); err != nil { // over a pipe a server waits for whoever does not read
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		w.Stop()
		w.Start()
		c = w.Client(client.Options{Instance: "a"})
		defer func() { _ = c.Close() }()
		again, err := c.Call(t.Context(), "", w.Container, "trigger-1", "siren on 30s", life-5*time.Second)
		if err != nil || again.MessageID() != made.MessageID() {
			t.Errorf("again: got %+v, %v, want the call %s", again, err, made.MessageID())
		}
		call, err := c.Poll(t.Context(), 1)
		if err != nil || call.MessageID != made.MessageID() || call.Data != "siren on 30s" || call.SenderID != w.Container || call.TTL != life-5*time.Second {
			t.Errorf("delivered %+v, %v", call, err)
		}
		if _, err := c.Poll(t.Context(), 2); !errors.Is(err, push.ErrIdle) {
			t.Errorf("then: got %v, want idle", err)
		}
	})
}
