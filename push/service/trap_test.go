package service_test

import (
	"testing"
	"time"
)

// TestSignOffIsNotLost: "sign-off vs lost distinguished at server", of the traps
// of hardware.md, section 7 (docs/traps.md). Two boxes fall silent at one moment,
// and one has said why.
func TestSignOffIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.box()
		w.poll().cancel()
		w.addBox("other", "k2")
		go w.send(t.Context(), "GET", "/push/other", "", "x-api-key: k2")
		time.Sleep(time.Second)
		wantReply(t, "sign-off", w.device("GET", "/push/box/signoff?reason=power-fail", ""), 200, success)
		other := func() any { return w.api("GET", "/api/v1/containers/other", "", 200)["state"] }
		for _, want := range []struct {
			after time.Duration
			state string
		}{{0, "online"}, {2 * time.Minute, "late"}, {time.Hour, "offline"}, {3 * 24 * time.Hour, "offline"}} {
			time.Sleep(want.after)
			w.wantSignedOff("power-fail")
			if got := other(); got != want.state {
				t.Errorf("the silent one is %v %s later, want %s", got, want.after, want.state)
			}
		}
		w.api("POST", "/api/v1/containers/box/calls", `{"data":"x"}`, 409) // it will not come soon
		w.api("POST", "/api/v1/containers/other/calls", `{"data":"x"}`, 202)
	})
}
