package service_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"longarm/push/service"
)

// golden reads one body of the wire.
func golden(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(data, []byte("\n")))
}

func TestGoldensThatWeSend(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const box, message = "7602c7e0-1111-4222-8333-444455556666", "0f9c3a52-8d0e-4c1b-9d5e-2b6f0a7c1e11"
		w.addBox(box, "k")
		service.AddCall(t, w.s, box, message, "router cycle 10s", time.Minute)
		time.Sleep(250 * time.Millisecond)
		wantReply(t, "call", w.device("GET", "/push/"+box, ""), 200, golden(t, "call.json"))
		wantReply(t, "ok", w.device("POST", "/push/"+box+"/ack/"+message, ""), 200, golden(t, "reply-ok.json"))
		wantReply(t, "idle", w.device("GET", "/1/push/"+box, ""), 200, golden(t, "idle.json"))
		service.AddCall(t, w.s, box, "short", "x", time.Second)
		time.Sleep(2 * time.Second)
		wantReply(t, "expired", w.device("POST", "/push/"+box+"/ack/short", ""), 200, golden(t, "reply-expired.json"))

		object := golden(t, "container.json")
		g := w.send(t.Context(), "POST", "/1/container", object, "x-api-key: "+w.admin)
		wantReply(t, "container", g, 200, `{"success":true,"message":"","data":`+object+`}`)
		g = w.send(t.Context(), "PUT", "/1/container", `{"id":"7602C7E0"}`, "x-api-key: "+w.admin)
		wantReply(t, "container, nothing changed", g, 200, `{"success":true,"message":"","data":`+object+`}`)
	})
}

func TestGoldenOfACallBetweenContainers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("lamp", "k2")
		w.grant("box", "lamp")
		g := w.device("POST", "/push/box/call/lamp", golden(t, "request-call.json"))
		const message = "0f9c3a52-8d0e-4c1b-9d5e-2b6f0a7c1e11"
		wantReply(t, "taken", g, 200, strings.Replace(golden(t, "reply-call.json"), message, takenID(t, g), 1))
		want := strings.NewReplacer("7602c7e0-1111-4222-8333-444455556666", "lamp", message, takenID(t, g), "router cycle 10s", "siren on 30s").
			Replace(golden(t, "call.json"))
		want = strings.Replace(want, `"senderId":"lamp"`, `"senderId":"box"`, 1)
		wantReply(t, "delivered", w.send(t.Context(), "GET", "/push/lamp", "", "x-api-key: k2"), 200, want)
	})
}

func TestGoldensThatWeRead(t *testing.T) {
	results := map[string]string{
		"result-done.json":            "succeeded",
		"result-empty-data.json":      "failed",
		"result-unknown.json":         "unknown",
		"foreign-result-ids.json":     "failed",
		"foreign-result-no-data.json": "succeeded",
		"foreign-result.form":         "succeeded",
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for name, want := range results {
			id := w.delivered("60s")
			wantReply(t, "ack", w.device("POST", "/push/box/ack/"+id, golden(t, "ack.json")), 200, success)
			wantReply(t, name, w.result(id, golden(t, name)), 200, success)
			if got := w.state(id); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		for _, name := range []string{"state.json", "state-empty.json"} {
			wantReply(t, name, w.device("POST", "/push/box/state", golden(t, name)), 200, success)
			g := w.send(t.Context(), "GET", "/api/v1/containers/box", "", "Authorization: Bearer "+w.admin)
			if !strings.Contains(g.body, `"report":`+golden(t, name)) {
				t.Errorf("%s: shown as %s", name, g.body)
			}
		}
	})
}
