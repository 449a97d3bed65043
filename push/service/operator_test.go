package service_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/service"
)

func TestRoles(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		bearer := map[string]string{"admin": w.admin, "nobody": "wrong"}
		for _, role := range []string{"viewer", "operator"} {
			v := w.api("POST", "/api/v1/tokens", fmt.Sprintf(`{"name":%q,"role":%q}`, role, role), 201)
			bearer[role] = v["token"].(string)
		}
		id := w.call("x", "60s")
		tests := []struct {
			method, path, body string
			status             map[string]int
		}{
			{"GET", "/api/v1/containers", "", map[string]int{"nobody": 401, "viewer": 200, "operator": 200, "admin": 200}},
			{"GET", "/api/v1/calls/" + id, "", map[string]int{"nobody": 401, "viewer": 200, "operator": 200, "admin": 200}},
			{"POST", "/api/v1/containers/box/calls", `{"data":"x"}`, map[string]int{"nobody": 401, "viewer": 403, "operator": 202, "admin": 202}},
			{"DELETE", "/api/v1/calls/" + id, "", map[string]int{"nobody": 401, "viewer": 403, "operator": 200, "admin": 200}},
			{"POST", "/api/v1/containers/box/instance", `{"instance":""}`, map[string]int{"nobody": 401, "viewer": 403, "operator": 200, "admin": 200}},
			{"POST", "/api/v1/containers", `{"name":""}`, map[string]int{"nobody": 401, "viewer": 403, "operator": 403, "admin": 400}},
			{"GET", "/api/v1/tokens", "", map[string]int{"nobody": 401, "viewer": 403, "operator": 403, "admin": 200}},
			{"GET", "/healthz", "", map[string]int{"nobody": 200, "viewer": 200}},
			{"GET", "/readyz", "", map[string]int{"nobody": 200, "viewer": 200}},
		}
		for _, try := range tests {
			for role, want := range try.status {
				g := w.send(t.Context(), try.method, try.path, try.body, "Authorization: Bearer "+bearer[role])
				if g.status != want {
					t.Errorf("%s %s as %s: got %d %s, want %d", try.method, try.path, role, g.status, g.body, want)
				}
			}
		}
		g := w.send(t.Context(), "GET", "/api/v1/tokens", "", "Authorization: Bearer "+w.admin)
		if strings.Contains(g.body, "lt_") || strings.Count(g.body, `"role"`) != 3 {
			t.Errorf("tokens: got %s, want three without their secrets", g.body)
		}
		w.api("DELETE", "/api/v1/tokens/admin", "", 409) // the last one
		w.api("DELETE", "/api/v1/tokens/viewer", "", 204)
		w.restart()
		for role, want := range map[string]int{"viewer": 401, "operator": 200, "admin": 200} {
			if g := w.send(t.Context(), "GET", "/api/v1/containers", "", "Authorization: Bearer "+bearer[role]); g.status != want {
				t.Errorf("%s after a restart: got %d, want %d", role, g.status, want)
			}
		}
	})
}

func TestBootstrapOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		token, created, err := w.s.BootstrapToken(t.Context())
		if token != "" || created || err != nil {
			t.Errorf("second time: got %q %v %v, want nothing", token, created, err)
		}
		docs, err := w.engine.List(t.Context(), ">")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			if strings.Contains(string(d.Data), w.admin) {
				t.Errorf("%s holds the token in plain text", d.Subject)
			}
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		ask := func(key, body string) got {
			return w.send(t.Context(), "POST", "/api/v1/containers/box/calls", body, "Authorization: Bearer "+w.admin, "Idempotency-Key: "+key)
		}
		first := ask("one", `{"data":"x"}`)
		if first.status != 202 {
			t.Fatalf("got %d %s", first.status, first.body)
		}
		wantReply(t, "again", ask("one", `{ "data":"x","ttl":"60s"}`), 202, first.body)
		if g := ask("one", `{"data":"y"}`); g.status != 409 {
			t.Errorf("the key for another call: got %d, want 409", g.status)
		}
		if g := ask("two", `{"data":"x"}`); g.status != 202 || g.body == first.body {
			t.Errorf("another key: got %d %s, want another call", g.status, g.body)
		}
		w.restart()
		id := messageID(t, w.poll().wait())
		w.ack(id)
		w.result(id, done)
		wantReply(t, "after it was done", ask("one", `{"data":"x"}`), 202, first.body)
		w.device("GET", "/push/box/signoff", "")
		wantReply(t, "after the sign-off", ask("one", `{"data":"x"}`), 202, first.body)
		if g := ask("three", `{"data":"x"}`); g.status != 409 {
			t.Errorf("a new call after the sign-off: got %d, want 409", g.status)
		}
		time.Sleep(25 * time.Hour)
		w.poll().cancel()
		if g := ask("one", `{"data":"y"}`); g.status != 202 {
			t.Errorf("after a day: got %d %s, want a new call", g.status, g.body)
		}
	})
}

func TestBadInput(t *testing.T) {
	const calls = "/api/v1/containers/box/calls"
	tests := map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"no data":           {"POST", calls, `{}`, 400, "data: want"},
		"data not a string": {"POST", calls, `{"data":7}`, 400, "data: want"},
		"empty data":        {"POST", calls, `{"data":""}`, 400, "data: want"},
		"long data":         {"POST", calls, `{"data":"` + strings.Repeat("x", 17<<10) + `"}`, 400, "16384"},
		"short ttl":         {"POST", calls, `{"data":"x","ttl":"999ms"}`, 400, "1s to 24h"},
		"long ttl":          {"POST", calls, `{"data":"x","ttl":"25h"}`, 400, "1s to 24h"},
		"negative ttl":      {"POST", calls, `{"data":"x","ttl":"-1s"}`, 400, "1s to 24h"},
		"infinite ttl":      {"POST", calls, `{"data":"x","ttl":"inf"}`, 400, "1s to 24h"},
		"ttl not text":      {"POST", calls, `{"data":"x","ttl":60}`, 400, "ttl: want a string"},
		"unknown field":     {"POST", calls, `{"data":"x","tll":"1s"}`, 400, "unknown field"},
		"two objects":       {"POST", calls, `{"data":"x"}{}`, 400, "nothing after it"},
		"no JSON":           {"POST", calls, `data=x`, 400, "not understood"},
		"nothing":           {"POST", calls, ``, 400, "want a JSON object"},
		"big":               {"POST", calls, strings.Repeat(" ", 65<<10), 413, "64 KiB"},
		"an object":         {"POST", calls, `{"data":{ "target":"router"}}`, 202, "queued"},
		"nobody":            {"POST", "/api/v1/containers/nobody/calls", `{"data":"x"}`, 404, "no container"},
		"no name":           {"POST", "/api/v1/containers", `{}`, 400, "name: want"},
		"control character": {"POST", "/api/v1/containers", `{"name":"a\nb"}`, 400, "name: want"},
		"negative timeout":  {"POST", "/api/v1/containers", `{"name":"x","maxHeartbeatTimeout":-1}`, 400, "want minutes"},
		"timeout of text":   {"POST", "/api/v1/containers", `{"name":"x","maxHeartbeatTimeout":"20m"}`, 400, "want an integer"},
		"short timeout":     {"POST", "/api/v1/containers", `{"name":"short","maxHeartbeatTimeout":1}`, 201, "below 5 minutes"},
		"button of nothing": {"POST", "/api/v1/containers", `{"name":"x","buttons":[{"data":"x"}]}`, 400, "buttons: want"},
		"unknown role":      {"POST", "/api/v1/tokens", `{"name":"x","role":"root"}`, 400, "viewer, operator or admin"},
		"no instance":       {"POST", "/api/v1/containers/box/instance", `{}`, 400, "instance"},
		"bad wait":          {"GET", "/api/v1/calls/x?wait=soon", ``, 400, "wait: want"},
		"unknown call":      {"GET", "/api/v1/calls/x", ``, 404, "no call"},
		"cancel of nothing": {"DELETE", "/api/v1/calls/x", ``, 404, "no call"},
		"wrong method":      {"PUT", "/api/v1/containers", ``, 405, "GET or POST"},
		"no path":           {"GET", "/api/v1/nothing", ``, 404, "no such path"},
	}
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for name, try := range tests {
			g := w.send(t.Context(), try.method, try.path, try.body, "Authorization: Bearer "+w.admin)
			if g.status != try.status || !strings.Contains(g.body, try.says) || g.status >= 400 && !strings.HasPrefix(g.body, `{"error":"`) {
				t.Errorf("%s: got %d %s, want %d %s", name, g.status, g.body, try.status, try.says)
			}
		}
	})
}

func TestTooManyCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for range 100 {
			w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 202)
		}
		w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 429)
		if got := w.container()["openCalls"]; got != 100.0 {
			t.Errorf("open calls: got %v, want 100", got)
		}
	})
}

func TestEvents(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://service/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.admin)
		resp, err := w.client.Do(r)
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("events: got %v %v", resp, err)
		}
		lines := make(chan string, 1000)
		go func() {
			defer close(lines)
			for in := bufio.NewScanner(resp.Body); in.Scan(); {
				lines <- in.Text()
			}
		}()
		id := w.delivered("60s")
		w.ack(id)
		w.result(id, done)
		w.device("GET", "/push/box/signoff?reason=bye", "")
		time.Sleep(16 * time.Second)
		synctest.Wait()
		cancel()
		var events []string
		kind := ""
		for line := range lines {
			if k, ok := strings.CutPrefix(line, "event: "); ok {
				kind = k
			} else if data, ok := strings.CutPrefix(line, "data: "); ok {
				for _, state := range []string{"queued", "delivered", "acknowledged", "succeeded", "online", "signed-off"} {
					if strings.Contains(data, `"state":"`+state+`"`) {
						events = append(events, kind+" "+state)
					}
				}
			} else if line == ":" {
				events = append(events, "beat")
			}
		}
		for _, want := range []string{"call queued", "container online", "call delivered", "call acknowledged", "call succeeded", "container signed-off", "beat"} {
			n := 0
			for _, e := range events {
				if e == want {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: came %d times in %q, want once", want, n, events)
			}
		}
		resp.Body.Close()
	})
}

func TestMetrics(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.delivered("60s")
		w.send(t.Context(), "GET", "/push/box", "")
		g := w.send(t.Context(), "GET", "/metrics", "")
		for _, want := range []string{
			"longarm_polls_total 1\n", "longarm_polls_open 0\n", "longarm_calls_total{state=\"queued\"} 1\n", "longarm_calls_total{state=\"delivered\"} 1\n",
			"longarm_containers{state=\"online\"} 1\n", "longarm_refused_total{status=\"401\"} 1\n", "longarm_last_heartbeat_age_seconds 1.000\n",
		} {
			if !strings.Contains(g.body, want) {
				t.Errorf("no %q in\n%s", want, g.body)
			}
		}
		for _, secret := range []string{w.admin, "box"} {
			if strings.Contains(g.body, secret) {
				t.Errorf("the metrics name %q", secret)
			}
		}
	})
}

func TestReadyOnlyWhileRunning(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		idle, err := service.New(w.engine, service.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for want, s := range map[int]*service.Service{200: w.s, 503: idle} {
			r := newRecorder()
			s.Handler().ServeHTTP(r, mustRequest(t, "/readyz"))
			if r.status != want {
				t.Errorf("readyz: got %d, want %d", r.status, want)
			}
		}
	})
}

type recorder struct {
	header http.Header
	status int
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return len(p), nil }
func mustRequest(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStrangersAreNotKept: the server's idle timeout is long for the sake of
// devices, so a connection that has shown no key is closed after its answer.
func TestStrangersAreNotKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		service.AddContainer(t, w.s, "box", "k")
		for path, c := range map[string]struct {
			header, value string
			closed        bool
		}{
			"/healthz":               {closed: true},
			"/nowhere":               {closed: true},
			"/api/v1/containers":     {closed: true},
			"/api/v1/containers?a":   {"Authorization", "Bearer " + w.admin, false},
			"/push/box/signoff":      {"x-api-key", "wrong", true},
			"/push/box/signoff?a":    {"x-api-key", "k", false},
			"/1/container?id=box":    {"x-api-key", "k", false},
			"/1/container?id=box&a=": {"x-api-key", "wrong", true},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://push.test"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			resp, err := w.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.Close != c.closed {
				t.Errorf("%s: status %d, closed %v, want %v", path, resp.StatusCode, resp.Close, c.closed)
			}
		}
	})
}
