package service_test

import (
	"testing"
	"time"
)

func (w *world) wantSignedOff(reason string) {
	w.t.Helper()
	v := w.container()
	if v["state"] != "signed-off" || v["reason"] != reason {
		w.t.Errorf("got %v %q, want signed-off %q", v["state"], v["reason"], reason)
	}
}

func TestSignOff(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().cancel()
		wantReply(t, "sign-off", w.device("GET", "/push/box/signoff?reason=power-fail", ""), 200, success)
		w.wantSignedOff("power-fail")
		wantReply(t, "again", w.device("GET", "/push/box/signoff", ""), 200, success)
		w.wantSignedOff("power-fail")
		v := w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 409)
		if v["error"] != "signed off: power-fail" {
			t.Errorf("call: got %v", v["error"])
		}
		w.restart()
		w.wantSignedOff("power-fail")
		time.Sleep(time.Hour)
		w.wantSignedOff("power-fail") // not offline: it said goodbye
		w.poll().cancel()
		w.wantBox("online")
		for name, body := range map[string]string{"update": `{"reason":"update"}`, "shutdown": `reason=shutdown`} {
			wantReply(t, "sign-off", w.device("POST", "/push/box/signoff", body), 200, success)
			w.wantSignedOff(name)
			w.poll().cancel()
		}
	})
}

// A poll that is open at the sign-off runs out, gets nothing, and is no heartbeat.
func TestSignOffWithPollOpen(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.call("before", "10m")
		messageID(t, w.poll().wait())
		p := w.poll()
		queued := make(chan string, 1)
		time.Sleep(5 * time.Second)
		w.device("GET", "/push/box/signoff", "")
		seen := w.container()["lastSeen"]
		g := p.wait()
		wantReply(t, "open poll", g, 200, idle)
		if g.took != 45*time.Second {
			t.Errorf("open poll: ended after %v, want 45s", g.took)
		}
		w.wantSignedOff("")
		if got := w.container()["lastSeen"]; got != seen {
			t.Errorf("last seen: got %v, want %v: the open poll counted", got, seen)
		}
		// the old call is answered all the same, and does not sign on
		wantReply(t, "result", w.result(id, done), 200, success)
		w.wantSignedOff("")
		close(queued)
	})
}

// What was queued before the sign-off is not given to the poll that is open.
func TestSignOffBeforeDelivery(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.device("GET", "/push/box/signoff", "", "x-longarm-poll: 7")
		old := w.poll("x-longarm-poll: 7")
		if v := w.container(); v["state"] != "signed-off" {
			t.Fatalf("a poll that the sign-off knew of signed on: %v", v["state"])
		}
		time.Sleep(time.Second)
		fresh := w.poll("x-longarm-poll: 8")
		w.wantBox("online")
		id := w.call("x", "60s")
		if got := messageID(t, fresh.wait()); got != id {
			t.Errorf("the poll above the sign-off's number: got %q, want %s", got, id)
		}
		wantReply(t, "the poll below it", old.wait(), 200, idle)
	})
}

func TestForeignPollSignsOn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.device("GET", "/push/box/signoff", "", "x-longarm-poll: 7")
		w.poll().cancel() // without a number
		w.wantBox("online")
	})
}
