package service_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine"
	"longarm/push/service"
)

// Somebody who hangs up is no trouble of ours.
func TestDroppedRequestIsNoEngineTrouble(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var log bytes.Buffer
		w.stop()
		w.engine = slow{w.engine}
		w.start(service.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.box()
		id := w.call("x", "10m")
		for _, path := range []string{"/api/v1/calls/" + id + "?wait=60s", "/api/v1/calls/" + id, "/api/v1/containers", "/api/v1/containers/box"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			if g := w.send(ctx, "GET", path, "", "Authorization: Bearer "+w.admin); g.err == nil {
				t.Errorf("%s: got %d, want it dropped", path, g.status)
			}
			cancel()
			synctest.Wait()
		}
		g := w.send(t.Context(), "GET", "/metrics", "")
		if !strings.Contains(g.body, "longarm_engine_errors_total 0\n") {
			t.Errorf("got %s", g.body)
		}
		if strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("got %s", &log)
		}
	})
}

// slow is an engine whose lists take a second, or until nobody wants them any more.
type slow struct{ service.Engine }

func (e slow) List(ctx context.Context, filter string) ([]engine.Doc, error) {
	if !strings.HasPrefix(filter, "call.") {
		return e.Engine.List(ctx, filter)
	}
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-late.C:
		return e.Engine.List(ctx, filter)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
