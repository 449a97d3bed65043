package service_test

import (
	"testing"
	"testing/synctest"
	"time"

	"longarm/push/engine/memory"
	"longarm/push/service"
)

func TestPresence(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box() // 20 minutes
		w.wantBox("new")
		time.Sleep(time.Hour)
		w.wantBox("new") // never heard is not lost
		p := w.poll()
		w.wantBox("online")
		p.wait()
		time.Sleep(59 * time.Second)
		w.wantBox("online")
		time.Sleep(time.Second)
		w.wantBox("late")
		time.Sleep(19*time.Minute - time.Millisecond) // 20 minutes from the end of the poll, not from its start
		w.wantBox("late")
		time.Sleep(time.Millisecond)
		w.wantBox("offline")
		p = w.poll()
		w.wantBox("online")
		p.cancel()
	})
}

// Every poll is a heartbeat, so is an acknowledgement, a result, a report.
func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		id := w.delivered("24h")
		beats := map[string]func(){
			"ack":    func() { w.ack(id) },
			"result": func() { w.result(id, done) },
			"state":  func() { w.device("POST", "/push/box/state", `{"targets":[],"agent":{"version":"1"}}`) },
			"poll":   func() { w.poll().cancel() },
		}
		for name, beat := range beats {
			time.Sleep(30 * time.Minute)
			w.wantBox("offline")
			beat()
			if got := w.container()["state"]; got != "online" {
				t.Errorf("after %s: got %v, want online", name, got)
			}
		}
	})
}

// What the service could not hear does not count: after a start a whole timeout passes first.
func TestBlindService(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().wait()
		seen := w.container()["lastSeen"]
		time.Sleep(19 * time.Minute)
		w.stop()
		time.Sleep(3 * time.Hour)
		w.restart()
		if got := w.container()["lastSeen"]; got != seen {
			t.Errorf("last seen after a restart: got %v, want %v", got, seen)
		}
		time.Sleep(20*time.Minute - time.Millisecond)
		w.wantBox("late")
		time.Sleep(time.Millisecond)
		w.wantBox("offline")
	})
}

func TestOfflineSurvivesRestart(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().wait()
		time.Sleep(time.Hour)
		w.restart()
		w.wantBox("offline")
	})
}

func TestFlapping(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.api("POST", "/api/v1/containers", `{"name":"short","id":"s","maxHeartbeatTimeout":1}`, 201)
		w.addBox("box", "k")
		w.device("PUT", "/1/container?id=box", `{"maxHeartbeatTimeout":1}`)
		for range 4 {
			w.poll().wait()
			time.Sleep(2 * time.Minute)
		}
		v := w.container()
		if v["flapping"] != true || v["state"] != "offline" {
			t.Errorf("got flapping %v, %v; want true, offline", v["flapping"], v["state"])
		}
		time.Sleep(time.Hour)
		if v := w.container(); v["flapping"] != false {
			t.Error("still flapping after a quiet hour")
		}
	})
}

func TestReport(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().cancel()
		wantReply(t, "state", w.device("POST", "/push/box/state", `{"targets":[{"name":"router","kind":"output","load":"on","active":true,"proof":"sim","detail":""}],"agent":{"version":"1","faults":["x"],"instance":"a"}}`), 200, success)
		report := w.container()["report"].(map[string]any)
		if got := report["targets"].([]any)[0].(map[string]any)["name"]; got != "router" {
			t.Errorf("report: got %v", report)
		}
		if g := w.device("POST", "/push/box/state", `{"targets":7}`); g.status != 400 {
			t.Errorf("broken state: got %d, want 400", g.status)
		}
	})
}

// After a loss of the engine a whole timeout passes first, as after a start.
func TestBlindEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &failing{Engine: memory.New()}
		w := &world{t: t, engine: bad}
		w.start(service.Options{})
		defer func() { w.stop() }()
		w.box()
		w.poll().wait()
		time.Sleep(time.Minute)
		bad.on.Store(true)
		time.Sleep(time.Hour)
		bad.on.Store(false)
		time.Sleep(19 * time.Minute)
		w.wantBox("late")
		time.Sleep(2 * time.Minute)
		w.wantBox("offline")
	})
}

// As long as a poll is open its container is there.
func TestLongHoldIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, engine: memory.New()}
		w.start(service.Options{Hold: 10 * time.Minute})
		defer func() { w.stop() }()
		w.box()
		w.device("PUT", "/1/container?id=box", `{"maxHeartbeatTimeout":1}`)
		p := w.poll()
		time.Sleep(9 * time.Minute)
		w.wantBox("online")
		if g := p.wait(); g.took != 10*time.Minute {
			t.Errorf("hold: got %v, want 10m", g.took)
		}
	})
}
