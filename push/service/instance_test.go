package service_test

import (
	"strings"
	"testing"
	"time"
)

func TestInstancesAlternate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		const a, b = "x-longarm-instance: a", "x-longarm-instance: b"
		w.poll(a).wait()
		w.poll(b).wait() // the box was replaced: no conflict
		if v := w.container(); v["conflict"] != false {
			t.Fatal("conflict after a change of the instance")
		}
		id := w.call("queued before", "10m")
		p := w.poll(a) // back again
		if v := w.container(); v["conflict"] != true || !strings.Contains(v["reason"].(string), "conflict") {
			t.Fatalf("two instances alternate: got conflict %v, %v", v["conflict"], v["reason"])
		}
		if !p.open() {
			t.Error("a call was delivered during the conflict")
		}
		if v := w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 409); !strings.HasPrefix(v["error"].(string), "conflict") {
			t.Errorf("call during the conflict: got %v", v["error"])
		}
		w.restart()
		if v := w.container(); v["conflict"] != true {
			t.Error("the conflict did not survive a restart")
		}
		pa, pb := w.poll(a), w.poll(b)
		if !pa.open() || !pb.open() {
			t.Error("a poll was disturbed by the conflict")
		}
		pa.wait()
		pb.wait()
		w.api("POST", "/api/v1/containers/box/instance", `{"instance":"a"}`, 200)
		wantReply(t, "a client without an instance", w.poll().wait(), 200, idle)
		g := w.poll(b).wait()
		if g.status != 409 || g.took != time.Second {
			t.Errorf("the other instance: got %d %s after %v, want 409 after 1s", g.status, g.body, g.took)
		}
		if got := messageID(t, w.poll(a).wait()); got != id {
			t.Errorf("the picked instance: got %q, want %s", got, id)
		}
		w.poll(b).wait()
		if v := w.container(); v["conflict"] != false || v["picked"] != "a" {
			t.Errorf("after the pick: got conflict %v, picked %v", v["conflict"], v["picked"])
		}
		w.device("GET", "/push/box/signoff", "", b)
		w.wantBox("online") // b does not speak for the container
	})
}

// Two instances with a poll open at the same time: there is no doubt, and no call may go to the wrong site meanwhile.
func TestInstancesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		pa := w.poll("x-longarm-instance: a")
		time.Sleep(time.Second)
		pb := w.poll("x-longarm-instance: b")
		if v := w.container(); v["conflict"] != true {
			t.Error("no conflict")
		}
		wantReply(t, "older", pa.wait(), 200, idle)
		wantReply(t, "newer", pb.wait(), 200, idle)
	})
}

// The same instance that connects again is no conflict.
func TestInstanceReconnects(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for range 5 {
			w.poll("x-longarm-instance: a")
			time.Sleep(10 * time.Second)
		}
		if v := w.container(); v["conflict"] != false {
			t.Error("a reconnect was taken for a conflict")
		}
	})
}

// An instance that signed off is not there: the one before it may come back, as a box does whose state dir was broken for a while.
func TestInstanceThatSignedOffIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		for _, instance := range []string{"a", "b", "a", "c", "a"} {
			name := "x-longarm-instance: " + instance
			w.poll(name, "x-longarm-poll: 1").wait()
			if v := w.container(); v["conflict"] != false || v["state"] != "online" {
				t.Fatalf("%s after one that signed off: got conflict %v, state %v", instance, v["conflict"], v["state"])
			}
			w.device("GET", "/push/box/signoff", "", name, "x-longarm-poll: 1")
		}
		w.poll("x-longarm-instance: b", "x-longarm-poll: 2").wait()
		w.poll("x-longarm-instance: a", "x-longarm-poll: 3").wait() // b did not sign off
		if v := w.container(); v["conflict"] != true {
			t.Error("no conflict although b may still be there")
		}
	})
}
