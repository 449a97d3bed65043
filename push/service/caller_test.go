package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine/memory"
	"longarm/push/service"
)

// grant allows a container to call these and no others.
func (w *world) grant(container string, targets ...string) {
	w.t.Helper()
	list, err := json.Marshal(append([]string{}, targets...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.api("PATCH", "/api/v1/containers/"+container, `{"mayCall":`+string(list)+`}`, 200)
}

// calling is a bubble with the container "box" that may call "lamp", which has the key "k2".
func calling(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("lamp", "k2")
		w.grant("box", "lamp")
		f(t, w)
	})
}

// asks makes box ask for a call to lamp.
func (w *world) asks(id, data string, ttlMs int) got {
	w.t.Helper()
	return w.device("POST", "/push/box/call/lamp", fmt.Sprintf(`{"id":%q,"data":%q,"ttlMs":%d}`, id, data, ttlMs))
}

// lamp polls for the container lamp.
func (w *world) lamp() got {
	w.t.Helper()
	return w.send(w.t.Context(), "GET", "/push/lamp", "", "x-api-key: k2")
}

// takenID is the message id that a caller was told.
func takenID(t *testing.T, g got) string {
	t.Helper()
	var v struct {
		Success bool
		Data    struct{ MessageID string }
	}
	if err := json.Unmarshal([]byte(g.body), &v); err != nil || g.status != 200 || !v.Success || v.Data.MessageID == "" {
		t.Fatalf("got %d %s %v, want a call that was taken", g.status, g.body, err)
	}
	return v.Data.MessageID
}

// The same id again, whatever happened in between, gets the same answer and makes no second call.
func TestContainerCallsAnother(t *testing.T) {
	calling(t, func(t *testing.T, w *world) {
		first := w.asks("a-1", "siren on 30s", 60000)
		id := takenID(t, first)
		time.Sleep(time.Second)
		wantReply(t, "again, with less life", w.asks("a-1", "siren on 30s", 59000), 200, first.body)
		wantReply(t, "again, in capitals, at the other mount", w.device("POST", "/1/push/BOX/call/LAMP", `{"id":"A-1","data":"siren on 30s"}`), 200, first.body)

		want := fmt.Sprintf(`{"success":true,"message":"","data":{"rootContainerId":"lamp","containerId":"lamp","senderId":"box","messageId":%q,"control":"","data":"siren on 30s","ttlMs":59000}}`, id)
		wantReply(t, "delivery", w.lamp(), 200, want)
		for _, step := range []string{"ack", "result"} {
			wantReply(t, step, w.send(t.Context(), "POST", "/push/lamp/"+step+"/"+id, done, "x-api-key: k2"), 200, success)
		}
		v := w.api("GET", "/api/v1/calls/"+id, "", 200)
		if v["state"] != "succeeded" || v["sender"] != "box" || v["caller"] != "box" || v["container"] != "lamp" {
			t.Errorf("the operator sees %v", v)
		}
		wantReply(t, "after its end", w.asks("a-1", "siren on 30s", 1000), 200, first.body)
		w.restart()
		wantReply(t, "after a restart", w.asks("a-1", "siren on 30s", 60000), 200, first.body)
		w.grant("box")
		wantReply(t, "after the grant is gone", w.asks("a-1", "siren on 30s", 60000), 200, first.body)
		wantReply(t, "the queue of lamp", w.lamp(), 200, idle)

		w.addBox("other", "k3")
		w.grant("box", "lamp", "other")
		const reused = `{"success":false,"message":"this id was used for another call: want a new one for each call"}`
		wantReply(t, "the id for other data", w.asks("a-1", "siren off", 60000), 409, reused)
		wantReply(t, "the id for another target", w.device("POST", "/push/box/call/other", `{"id":"a-1","data":"siren on 30s"}`), 409, reused)
		w.grant("lamp", "box")
		g := w.send(t.Context(), "POST", "/push/lamp/call/box", `{"id":"a-1","data":"router off"}`, "x-api-key: k2")
		if got := takenID(t, g); got == id {
			t.Error("the id of another caller is not its own")
		}
		if next := takenID(t, w.asks("a-2", "siren on 30s", 60000)); next == id || messageID(t, w.lamp()) != next {
			t.Errorf("another id: got call %s, want a new one, delivered", next)
		}
		w.signOff("lamp", "k2", "update")
		wantReply(t, "after the sign-off", w.asks("a-1", "siren on 30s", 60000), 200, first.body)
	})
}

func (w *world) signOff(container, key, reason string) {
	w.t.Helper()
	wantReply(w.t, "sign-off", w.send(w.t.Context(), "GET", "/push/"+container+"/signoff?reason="+reason, "", "x-api-key: "+key), 200, success)
}

func TestCallsThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		target, body string
		status       int
		says         string
	}{
		"no grant":         {"other", `{"id":"a","data":"x"}`, 403, "no grant: this container may not call other"},
		"itself":           {"box", `{"id":"a","data":"x"}`, 403, "no grant"},
		"unknown target":   {"nobody", `{"id":"a","data":"x"}`, 404, "unknown target"},
		"signed off":       {"gone", `{"id":"a","data":"x"}`, 200, `"success":false,"message":"signed off: update"}`},
		"no id":            {"lamp", `{"data":"x"}`, 400, "id: want"},
		"long id":          {"lamp", `{"id":"` + strings.Repeat("i", 256) + `","data":"x"}`, 400, "id: want"},
		"no data":          {"lamp", `{"id":"a"}`, 400, "data: want"},
		"long data":        {"lamp", `{"id":"a","data":"` + strings.Repeat("x", 17<<10) + `"}`, 400, "16384"},
		"short life":       {"lamp", `{"id":"a","data":"x","ttlMs":999}`, 400, "ttlMs: want"},
		"long life":        {"lamp", `{"id":"a","data":"x","ttlMs":86400001}`, 400, "ttlMs: want"},
		"nothing":          {"lamp", ``, 400, "ttlMs"},
		"no object":        {"lamp", `[]`, 400, "id: want"},
		"two instances":    {"twins", `{"id":"a","data":"x"}`, 200, `"success":false,"message":"conflict`},
		"a crowded target": {"busy", `{"id":"a","data":"x"}`, 429, "too many open calls"},
	}
	calling(t, func(t *testing.T, w *world) {
		for _, name := range []string{"other", "gone", "twins", "busy"} {
			w.addBox(name, "k-"+name)
		}
		w.grant("box", "lamp", "gone", "twins", "busy")
		w.signOff("gone", "k-gone", "update")
		for _, instance := range []string{"a", "b", "a"} {
			w.send(t.Context(), "GET", "/push/twins", "", "x-api-key: k-twins", "x-longarm-instance: "+instance)
		}
		for range 100 {
			w.api("POST", "/api/v1/containers/busy/calls", `{"data":"x","ttl":"1h"}`, 202)
		}
		for name, try := range tests {
			g := w.device("POST", "/push/box/call/"+try.target, strings.Replace(try.body, `"a"`, `"`+name+`"`, 1))
			if g.status != try.status || !strings.HasPrefix(g.body, `{"success":false,"message":"`) || !strings.Contains(g.body, try.says) {
				t.Errorf("%s: got %d %s, want %d %s", name, g.status, g.body, try.status, try.says)
			}
		}
		w.send(t.Context(), "GET", "/push/gone", "", "x-api-key: k-gone")
		takenID(t, w.device("POST", "/push/box/call/gone", `{"id":"signed off","data":"x"}`)) // a refusal is not kept
	})
}

// Only an operator allows a container to call another; the container itself cannot, and keeps what it has.
func TestGrants(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.addBox("lamp", "k2")
		try := func(what string, status int) {
			t.Helper()
			if g := w.asks(what, "x", 60000); g.status != status {
				t.Errorf("%s: got %d %s, want %d", what, g.status, g.body, status)
			}
		}
		try("none", 403)
		w.device("PUT", "/1/container?id=box", `{"mayCall":["lamp"],"name":"Box"}`)
		try("self-made", 403)
		w.grant("box", "LAMP", "lamp", "Box")
		if got := fmt.Sprint(w.container()["mayCall"]); got != "[lamp box]" {
			t.Errorf("grants: got %s, want the ids, each once", got)
		}
		try("granted", 200)
		w.device("PUT", "/1/container?id=box", `{"mayCall":[],"name":"Crate"}`)
		w.restart()
		try("kept", 200)
		w.grant("box", "box")
		try("another's", 403)
		w.grant("box")
		try("taken away", 403)
		if v, there := w.container()["mayCall"]; there {
			t.Errorf("no grants are shown as %v", v)
		}

		made := w.api("POST", "/api/v1/containers", `{"name":"door","id":"door","mayCall":["lamp"]}`, 201)
		if fmt.Sprint(made["mayCall"]) != "[lamp]" {
			t.Errorf("made with %v", made["mayCall"])
		}
		g := w.send(t.Context(), "POST", "/push/door/call/lamp", `{"id":"a","data":"x"}`, "x-api-key: "+made["key"].(string))
		takenID(t, g)
		for body, says := range map[string]string{
			`{"mayCall":["nobody"]}`: "no container of the id or name", `{"mayCall":[` + strings.Repeat(`"box",`, 100) + `"box"]}`: "at most 100",
			`{}`: "[] is none", `{"mayCall":null}`: "[] is none", `{"mayCall":"lamp"}`: "want a list", `{"name":"x"}`: "unknown field",
		} {
			v := w.api("PATCH", "/api/v1/containers/box", body, 400)
			if !strings.Contains(v["error"].(string), says) {
				t.Errorf("%s: got %v, want %q in it", body, v["error"], says)
			}
		}
		w.api("POST", "/api/v1/containers", `{"name":"x","mayCall":["nobody"]}`, 400)
		w.api("PATCH", "/api/v1/containers/nobody", `{"mayCall":[]}`, 404)
		w.api("PUT", "/api/v1/containers/box", `{"mayCall":[]}`, 405)
		operator := w.api("POST", "/api/v1/tokens", `{"name":"op","role":"operator"}`, 201)["token"].(string)
		if g := w.send(t.Context(), "PATCH", "/api/v1/containers/box", `{"mayCall":[]}`, "Authorization: Bearer "+operator); g.status != 403 {
			t.Errorf("as an operator: got %d, want 403", g.status)
		}
	})
}

// A call that a container makes says nothing of whether it can be called (protocol.md 6 does not list it).
func TestCallIsNoHeartbeat(t *testing.T) {
	calling(t, func(t *testing.T, w *world) {
		takenID(t, w.asks("a", "x", 60000))
		w.wantBox("new")
		w.poll().wait()
		w.signOff("box", "k", "update")
		seen := w.container()["lastSeen"]
		time.Sleep(time.Minute)
		takenID(t, w.asks("b", "x", 60000))
		w.wantBox("signed-off")
		if got := w.container()["lastSeen"]; got != seen {
			t.Errorf("last seen: got %v, want %v", got, seen)
		}
	})
}

// noCalls is an engine that stops before a call is written.
type noCalls struct {
	service.Engine
	on atomic.Bool
}

func (n *noCalls) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if n.on.Load() && strings.HasPrefix(subject, "call.") {
		return 0, errBroken
	}
	return n.Engine.Append(ctx, subject, data, expected)
}

// A kill between the note of the id and the call: the same id again makes the one call, within its life.
func TestKillBeforeTheCallIsWritten(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		want  string // "" is a call
	}{
		"at once":               {0, ""},
		"within its life":       {50 * time.Second, ""},
		"when its life is over": {61 * time.Second, `{"success":false,"message":"expired"}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			bad := &noCalls{Engine: memory.New()}
			w := &world{t: t, engine: bad}
			w.start(service.Options{})
			defer func() { w.stop() }()
			w.box()
			w.addBox("lamp", "k2")
			w.grant("box", "lamp")
			bad.on.Store(true)
			if g := w.asks("a", "x", 60000); g.status != 503 || g.header.Get("Retry-After") == "" || !strings.HasPrefix(g.body, `{"success":false`) {
				t.Fatalf("%s: got %d %s, want 503 with an envelope", name, g.status, g.body)
			}
			bad.on.Store(false)
			w.stop()
			time.Sleep(test.after)
			w.start(service.Options{})
			g := w.asks("a", "x", int((time.Minute-test.after).Milliseconds())+2000)
			if test.want != "" {
				wantReply(t, name, g, 200, test.want)
				wantReply(t, name+", the queue", w.lamp(), 200, idle)
				return
			}
			id := takenID(t, g)
			wantReply(t, name+", again", w.asks("a", "x", 2000), 200, g.body)
			if got := messageID(t, w.lamp()); got != id {
				t.Errorf("%s: delivered %q, want %s", name, got, id)
			}
			wantReply(t, name+", the queue", w.lamp(), 200, idle)
		})
	}
}

// slowCalls is an engine that takes a second over each write of a call.
type slowCalls struct{ service.Engine }

func (e slowCalls) Append(ctx context.Context, subject string, data []byte, expected uint64) (uint64, error) {
	if strings.HasPrefix(subject, "call.") {
		time.Sleep(time.Second)
	}
	return e.Engine.Append(ctx, subject, data, expected)
}

// The same request at two replicas at the same time is one call.
func TestReplicasMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &world{t: t, engine: slowCalls{memory.New()}}
		a.start(service.Options{})
		defer func() { a.stop() }()
		a.box()
		a.addBox("lamp", "k2")
		a.grant("box", "lamp")
		b := a.second(a.engine)
		defer func() { b.stop() }()
		for round := range 20 {
			answers := make([]got, 8)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = [2]*world{a, b}[i%2].asks(fmt.Sprint(round), "x", 60000) })
			}
			wg.Wait()
			for _, g := range answers {
				wantReply(t, "one of eight", g, 200, answers[0].body)
			}
			if got := messageID(t, a.lamp()); got != takenID(t, answers[0]) {
				t.Fatalf("round %d: delivered %q, answered %s", round, got, answers[0].body)
			}
			time.Sleep(time.Minute) // for the rate
		}
		wantReply(t, "the queue", a.lamp(), 200, idle)
	})
}

func TestRateOfOneCaller(t *testing.T) {
	calling(t, func(t *testing.T, w *world) {
		first := w.asks("0", "x", 60000)
		for i := range 19 {
			takenID(t, w.asks(fmt.Sprint(i+1), "x", 60000))
		}
		g := w.asks("20", "x", 60000)
		if g.status != 429 || g.header.Get("Retry-After") != "5" {
			t.Errorf("the 21st at once: got %d %s, retry after %q; want 429 and 5", g.status, g.body, g.header.Get("Retry-After"))
		}
		wantReply(t, "an id that is known", w.asks("0", "x", 60000), 200, first.body)
		time.Sleep(5 * time.Second)
		takenID(t, w.asks("20", "x", 60000))
		if g := w.asks("21", "x", 60000); g.status != 429 {
			t.Errorf("the next at once: got %d, want 429", g.status)
		}
		w.grant("lamp", "box")
		takenID(t, w.send(t.Context(), "POST", "/push/lamp/call/box", `{"id":"a","data":"x"}`, "x-api-key: k2")) // its own rate
		time.Sleep(time.Hour)
		for i := range 20 {
			takenID(t, w.asks(fmt.Sprint("later", i), "x", 1000))
		}
	})
}

// While nobody knows which of two instances is the right one, neither calls others; afterwards only the picked one.
func TestDoubtfulCallerMayNotCall(t *testing.T) {
	calling(t, func(t *testing.T, w *world) {
		as := func(what, instance, want string) {
			t.Helper()
			g := w.device("POST", "/push/box/call/lamp", `{"id":"`+what+`","data":"x"}`, "x-longarm-instance: "+instance)
			if g.status != 200 || !strings.HasPrefix(g.body, want) {
				t.Errorf("%s: got %d %s, want %s", what, g.status, g.body, want)
			}
		}
		for _, instance := range []string{"a", "b", "a"} {
			w.poll("x-longarm-instance: " + instance).wait()
		}
		const refused, taken = `{"success":false,"message":"conflict: two`, `{"success":true`
		as("in a conflict", "a", refused)
		w.api("POST", "/api/v1/containers/box/instance", `{"instance":"a"}`, 200)
		as("the other one", "b", refused)
		as("the picked one", "a", taken)
	})
}
