package service_test

import (
	"strings"
	"testing"
	"time"
)

const (
	right = "4f0c11d2a9b83e57"
	wrong = "4f0c9e21b7d06c48"
)

func from(instance string) string { return "x-longarm-instance: " + instance }

const pickPath = "/api/v1/containers/box/instance"

// A pick names an instance that was seen, or the one that begins so: a slip of the pen must not lock out both boxes.
func TestPickOnlyWhatWasSeen(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		if v := w.api("POST", pickPath, `{"instance":"4f0c11d2a9b83e57"}`, 404); !strings.Contains(v["error"].(string), "none was seen yet") {
			t.Errorf("before any: got %v", v["error"])
		}
		a := w.poll(from(right))
		time.Sleep(time.Second)
		b := w.poll(from(wrong))
		for ask, want := range map[string]struct {
			status int
			says   string
		}{
			"4f0c11d2a9b83e58":  {404, "seen: " + wrong + ", " + right},
			"5f0c":              {404, "seen: " + wrong + ", " + right},
			"4f0c11d2a9b83e570": {404, "seen: "},
			"4f0":               {400, "at least 4"},
			"4f0c":              {400, "more than one"},
			"4F0C11":            {404, "seen: "},
		} {
			v := w.api("POST", pickPath, `{"instance":"`+ask+`"}`, want.status)
			if !strings.Contains(v["error"].(string), want.says) || !strings.Contains(v["error"].(string), right) {
				t.Errorf("%s: got %q, want %q and who was seen", ask, v["error"], want.says)
			}
		}
		if v := w.container(); v["conflict"] != true || v["picked"] != nil {
			t.Errorf("a refused pick changed something: got conflict %v, picked %v", v["conflict"], v["picked"])
		}
		a.wait()
		b.wait()
		w.restart() // who was seen must be known still: the conflict is
		if v := w.api("POST", pickPath, `{"instance":"4f0c11"}`, 200); v["picked"] != right || v["conflict"] != false {
			t.Errorf("unique prefix: got %v, %v", v["picked"], v["conflict"])
		}
		w.restart()
		if v := w.api("POST", pickPath, `{"instance":"`+wrong+`"}`, 200); v["picked"] != wrong {
			t.Errorf("the other one, after a restart: got %v", v["picked"])
		}
		if v := w.api("POST", pickPath, `{"instance":""}`, 200); v["picked"] != nil {
			t.Errorf("lifted: got %v", v["picked"])
		}
		w.poll(from(right)).wait()
		w.poll(from(wrong)).wait()
		if v := w.container(); v["conflict"] != false {
			t.Error("what was before the choice was lifted made a conflict")
		}
		w.poll(from(right)).wait()
		if v := w.container(); v["conflict"] != true {
			t.Error("two that alternate after the choice was lifted: got no conflict")
		}
	})
}

// With a pick in force the refused box must not make the container look healthy, whatever it sends.
func TestRefusedInstanceIsNoHeartbeat(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll(from(right)).wait()
		time.Sleep(10 * time.Second)
		id := w.call("router on", "10m")
		if got := messageID(t, w.poll(from(wrong)).wait()); got != id {
			t.Fatalf("got %q, want %s", got, id)
		}
		p := w.poll(from(wrong))
		w.api("POST", pickPath, `{"instance":"`+right+`"}`, 200)
		before := w.container()["lastSeen"]
		time.Sleep(time.Second)
		const picked = `{"success":false,"message":"conflict: this container belongs to another instance, an operator picked it"}`
		wantReply(t, "ack", w.device("POST", "/push/box/ack/"+id, "", from(wrong)), 200, picked)
		w.wantState(id, "delivered")
		wantReply(t, "state", w.device("POST", "/push/box/state", `{"targets":[],"agent":{"instance":"`+wrong+`"}}`, from(wrong)), 409, picked)
		wantReply(t, "sign-off", w.device("GET", "/push/box/signoff", "", from(wrong)), 200, success)
		if g := w.poll(from(wrong)).wait(); g.status != 409 {
			t.Errorf("poll: got %d %s", g.status, g.body)
		}
		wantReply(t, "poll from before the pick", p.wait(), 200, idle)
		wantReply(t, "result", w.device("POST", "/push/box/result/"+id, done, from(wrong)), 200, success)
		v := w.container()
		if v["lastSeen"] != before || v["report"] != nil {
			t.Errorf("got lastSeen %v and report %v, want %v and none", v["lastSeen"], v["report"], before)
		}
		if reason := v["reason"].(string); !strings.Contains(reason, "only a refused one was heard since: "+wrong) || !strings.Contains(reason, right) {
			t.Errorf("got the reason %q", reason)
		}
		time.Sleep(20 * time.Second)
		w.wantBox("late")
		w.device("POST", "/push/box/ack/x", "", from(right))
		if v := w.container(); v["state"] != "online" || v["reason"] != "" {
			t.Errorf("the picked one is back: got %v, %v", v["state"], v["reason"])
		}
		time.Sleep(2 * time.Minute)
		w.device("POST", "/push/box/ack/x", "") // a foreign client counts as before
		w.wantBox("online")
	})
}

// The picked one's open poll takes calls at once, also when the other one's is newer.
func TestPickedPollIsServed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll(from(right)).wait()
		w.poll(from(wrong)).wait()
		id := w.call("x", "10m")
		a, b := w.poll(from(right)), w.poll(from(wrong)) // a conflict: nobody gets it
		w.api("POST", pickPath, `{"instance":"`+right+`"}`, 200)
		if got := messageID(t, a.wait()); got != id {
			t.Errorf("got %q, want %s", got, id)
		}
		wantReply(t, "the other one", b.wait(), 200, idle)
	})
}

// The list counts what the single container counts: a closed call that is not filed yet is not open.
func TestOpenCallsAgree(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.call("x", "10m")
		if _, err := w.engine.Append(t.Context(), "call.box.c9", []byte(`{"id":"c9","container":"box","state":"failed","closed":true}`), 0); err != nil {
			t.Fatal(err)
		}
		g := w.send(t.Context(), "GET", "/api/v1/containers", "", "Authorization: Bearer "+w.admin)
		if one := w.container()["openCalls"]; one != 1.0 || !strings.Contains(g.body, `"openCalls":1,`) {
			t.Errorf("got %v alone and %s in the list, want 1", one, g.body)
		}
	})
}
