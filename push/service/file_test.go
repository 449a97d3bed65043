package service_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"longarm/push/engine/memory"
	"longarm/push/service"
)

// The same over real TLS and a real file: what was done is there after a restart.
func TestOverTLSWithFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine")
	w, stop := overTLS(t, path, "")
	key := w.api("POST", "/api/v1/containers", `{"name":"box","id":"box"}`, 201)["key"].(string)
	answers := make(chan got)
	go func() { answers <- w.send(t.Context(), "GET", "/push/box", "", "x-api-key: "+key) }()
	id := w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 202)["messageId"].(string)
	if got := messageID(t, <-answers); got != id {
		t.Fatalf("poll: got %q, want %s", got, id)
	}
	for _, step := range []string{"ack", "result"} {
		wantReply(t, step, w.send(t.Context(), "POST", "/push/box/"+step+"/"+id, done, "x-api-key: "+key), 200, success)
	}
	wantReply(t, "sign-off", w.send(t.Context(), "GET", "/push/box/signoff?reason=update", "", "x-api-key: "+key), 200, success)
	admin := w.admin
	stop()

	w, stop = overTLS(t, path, admin)
	defer stop()
	if v := w.api("GET", "/api/v1/calls/"+id, "", 200); v["state"] != "succeeded" {
		t.Errorf("call after a restart: got %v, want succeeded", v["state"])
	}
	if v := w.api("GET", "/api/v1/containers/box", "", 200); v["state"] != "signed-off" || v["reason"] != "update" || v["lastSeen"] == nil {
		t.Errorf("container after a restart: got %v", v)
	}
	wantReply(t, "the result again", w.send(t.Context(), "POST", "/push/box/result/"+id, done, "x-api-key: "+key), 200, success)
}

func overTLS(t *testing.T, path, admin string) (*world, func()) {
	t.Helper()
	e, err := memory.Open(path, memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.New(e, service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	token, created, err := s.BootstrapToken(t.Context())
	if err != nil || created != (admin == "") {
		t.Fatalf("first token: got created %v, %v", created, err)
	}
	if created {
		admin = token
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewTLSServer(s.Handler())
	w := &world{t: t, engine: e, s: s, admin: admin, client: server.Client(), base: server.URL}
	return w, func() {
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		server.Close()
		cancel()
		wg.Wait()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The answers of the operator API have the pinned keys and no others.
func TestPinnedKeys(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("60s")
		w.ack(id)
		w.result(id, done)
		tests := map[string][]string{
			"/api/v1/calls/" + id:    {"messageId", "container", "data", "state", "late", "sender", "result", "at"},
			"/api/v1/containers/box": {"id", "name", "state", "flapping", "conflict", "lastSeen", "reason", "openCalls", "maxHeartbeatTimeout", "buttons"},
		}
		for path, want := range tests {
			g := w.send(t.Context(), "GET", path, "", "Authorization: Bearer "+w.admin)
			var v map[string]json.RawMessage
			if err := json.Unmarshal([]byte(g.body), &v); err != nil || len(v) != len(want) {
				t.Errorf("%s: got %s %v, want the keys %v", path, g.body, err, want)
			}
			for _, key := range want {
				if v[key] == nil {
					t.Errorf("%s: no %s in %s", path, key, g.body)
				}
			}
		}
	})
}
