package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a service that speaks design.md section 6 from a script.
type fake struct {
	t      *testing.T
	server *httptest.Server
	pin    string

	mu       sync.Mutex
	asked    []string          // "METHOD path body"
	keys     []string          // idempotency keys
	answers  map[string]string // "METHOD path" → "STATUS body"
	steps    []string          // documents of call c1, one for each GET; the last one stays
	stream   []string          // what /events sends, one each connection; then it is silent
	maxPolls int
}

const (
	boxID   = "7602c7e0-0000-4000-8000-000000000001"
	otherID = "7602c7e0-0000-4000-8000-000000000002"
	boxes   = `[{"id":"` + boxID + `","name":"shop-12","state":"online","lastSeen":"2020-01-01T00:00:00.000Z","openCalls":1,"maxHeartbeatTimeout":20,
		"buttons":[{"text":"Restart","data":"router cycle 10s"}],
		"report":{"targets":[{"name":"router","kind":"output","load":"on","active":false,"proof":"readback","detail":""},{"name":"led","kind":"input","load":"","active":true,"proof":"","detail":""}],
		"agent":{"version":"0.1.0","started":"2026-01-01T00:00:00Z","cause":"power","faults":["f1"],"instance":"9f3c"}}},
		{"id":"` + otherID + `","name":"attic","state":"signed-off","reason":"power-fail","conflict":true,"flapping":true,"openCalls":0,"maxHeartbeatTimeout":20},
		{"id":"x","name":"twin","state":"new","openCalls":0},{"id":"y","name":"twin","state":"offline","openCalls":0}]`
)

func newFake(t *testing.T) *fake {
	f := &fake{t: t, answers: map[string]string{"GET /containers": "200 " + boxes}, maxPolls: 1000}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	f.pin = pinOf(f.server.Certificate())
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1")
	f.mu.Lock()
	f.asked = append(f.asked, strings.TrimSpace(r.Method+" "+path+" "+string(body)))
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		f.keys = append(f.keys, key)
	}
	answer, ok := f.answers[r.Method+" "+path]
	polls := len(f.asked)
	f.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer good":
		answer = `401 {"error":"unknown token"}`
	case polls > f.maxPolls:
		answer = `400 {"error":"the client asks in a busy loop"}`
	case path == "/events" && !ok:
		f.events(w, r)
		return
	case r.Method+path == "GET/calls/c1" && !ok:
		answer = "200 " + f.nextStep()
	case !ok:
		answer = `404 {"error":"no such thing"}`
	}
	status, text, _ := strings.Cut(answer, " ")
	if status == "drop" {
		panic(http.ErrAbortHandler)
	}
	var code int
	fmt.Sscan(status, &code)
	if at, ok := strings.CutPrefix(text, "location "); ok {
		w.Header().Set("Location", at)
		text = ""
	}
	w.WriteHeader(code)
	io.WriteString(w, text)
}

// events sends one script, then keeps the stream open until the client goes,
// or closes it when another script is left.
func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	var script string
	if len(f.stream) > 0 {
		script, f.stream = f.stream[0], f.stream[1:]
	}
	more := len(f.stream) > 0
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, ": hello\n\n"+script)
	w.(http.Flusher).Flush()
	if !more {
		<-r.Context().Done()
	}
}

func (f *fake) nextStep() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	step := f.steps[0]
	if len(f.steps) > 1 {
		f.steps = f.steps[1:]
	}
	return step
}

// saw reports whether a request was made.
func (f *fake) saw(request string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.asked, request)
}

// env is the environment of a verb that reaches f.
func (f *fake) env(name string) string {
	return map[string]string{"LONGARM_URL": f.server.URL, "LONGARM_TOKEN": "good", "LONGARM_PIN": f.pin}[name]
}

// do runs the command line with f as the service.
func (f *fake) do(args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	code = run(ctx, args, f.env, &out, &err)
	return code, out.String(), err.String()
}

// want compares an exit code and what must and must not (first rune "!") occur
// in a text.
func want(t *testing.T, what string, code, wantCode int, text string, words ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("%s: got exit code %d, want %d; text:\n%s", what, code, wantCode, text)
	}
	for _, word := range words {
		if not, ok := strings.CutPrefix(word, "!"); ok == strings.Contains(text, not) {
			t.Errorf("%s: got\n%s\nwant in it: %q", what, text, word)
		}
	}
}

func jsonOf(t *testing.T, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("got %q, want one JSON object: %v", s, err)
	}
	return m
}
