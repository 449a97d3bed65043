package device

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// site is a box with a lock-out switch.
func site(t *testing.T, outputs ...OutputSpec) (*rig, *fakeInput) {
	r := newRig(t, Spec{Outputs: outputs, Inputs: []InputSpec{{Name: "door"}}, Lockout: &InputSpec{Line: LineRef{Line: "GPIO5"}}})
	return r, r.inputs["lockout"]
}

const byTheSwitch = "locked out on site: the lock-out switch is active, only moves towards safe are done"

func TestLockoutRefusesAllButMovesTowardsSafe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, lock := site(t, pump, OutputSpec{Name: "fan", Safe: LoadOn}, router)
		r.lines["fan"].level = false
		r.open().run()
		r.do("pump on")
		lock.move(true)
		for _, text := range []string{"pump on", "pump on 5m", "pump pulse", "pump cycle", "router off", "router cycle", "router pulse"} {
			r.want(r.do(text), Refused, byTheSwitch)
		}
		r.want(r.do("pump read"), Done, "")
		r.want(r.do("door read"), Done, "")
		r.want(r.do("pump off"), Done, "")
		r.want(r.do("fan on"), Done, "") // its safe load
		r.want(r.do("pump fly"), Refused, "unknown verb")
		lock.move(false)
		r.want(r.do("pump on"), Done, "")
	})
}

func TestLockoutThatCannotBeReadCountsAsActive(t *testing.T) {
	bubble(t, func(t *testing.T) { // not opened
		r, _ := site(t, pump)
		r.broken["lockout"] = errFake
		r.open().run()
		r.want(r.do("pump on"), Refused, "locked out on site: the lock-out switch cannot be read, which counts as active (fake trouble)")
		r.want(r.do("pump off"), Done, "")
	})
	bubble(t, func(t *testing.T) { // gone without an edge
		r, lock := site(t, pump)
		r.open().run()
		r.do("pump on")
		lock.mu.Lock()
		lock.err = errFake
		lock.mu.Unlock()
		r.want(r.do("pump pulse"), Refused, "locked out on site: the lock-out switch cannot be read")
		lock.mu.Lock()
		lock.err = nil
		lock.mu.Unlock()
		r.want(r.do("pump pulse"), Done, "")
	})
	bubble(t, func(t *testing.T) { // its edge was lost
		r, lock := site(t, pump)
		r.open().run()
		lock.mu.Lock()
		lock.active = true
		lock.mu.Unlock()
		r.want(r.do("pump on"), Refused, byTheSwitch)
	})
}

func TestLockoutLetsWhatRunsComeToItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, lock := site(t, pump, siren)
		r.open().run()
		r.do("pump on")
		cycle, pulse := r.send("pump cycle 10s", Meta{}), r.send("siren pulse 10s", Meta{})
		later(time.Second)
		lock.move(true)
		r.want(<-cycle, Done, "")
		r.want(<-pulse, Done, "")
		wantTrace(t, r.lines["pump"], "+call c1, -call c2, +call c2")
	})
	bubble(t, func(t *testing.T) { // journaled, and not started yet
		r, lock := site(t, pump)
		r.open().run()
		begin := func(context.Context, Action) error { lock.move(true); return nil }
		r.want(<-r.send("pump on", Meta{Begin: begin}), Refused, byTheSwitch)
		wantTrace(t, r.lines["pump"], "")
	})
	bubble(t, func(t *testing.T) { // it waits for its interlock
		s := motor
		s.Lockout = &InputSpec{}
		r := newRig(t, s).open().run()
		later(time.Second)
		r.do("up on")
		over := r.send("down on", Meta{})
		later(100 * time.Millisecond)
		r.inputs["lockout"].move(true)
		r.want(<-over, Failed, byTheSwitch)
		wantHistory(t, r, "+up 0s, -up 0s")
		r.inputs["lockout"].move(false)
		r.want(r.do("down on"), Done, "")
	})
}

// at_start is a move like any other.
func TestLockoutForbidsAtStart(t *testing.T) {
	for _, test := range []struct {
		spec   OutputSpec
		locked bool
		want   string
	}{
		{OutputSpec{Name: "pump", AtStart: "on"}, true, "keep"},
		{OutputSpec{Name: "pump", AtStart: "on"}, false, "on"},
		{OutputSpec{Name: "pump", AtStart: "off"}, true, "off"}, // towards safe
		{OutputSpec{Name: "pump", AtStart: "on", Safe: LoadOn}, true, "on"},
		{OutputSpec{Name: "pump", AtStart: "off", Safe: LoadOn}, true, "keep"},
		{OutputSpec{Name: "pump"}, true, "keep"},
	} {
		bubble(t, func(t *testing.T) {
			r, lock := site(t, test.spec)
			lock.active = test.locked
			r.open()
			if got := r.asked["pump"].AtStart; got != test.want {
				t.Errorf("%+v locked %t: opened with %q, want %q", test.spec, test.locked, got, test.want)
			}
		})
	}
	bubble(t, func(t *testing.T) { // a member of an interlock comes on later
		s := with(OutputSpec{AtStart: "on"}, OutputSpec{})
		s.Lockout = &InputSpec{}
		r := newRig(t, s)
		r.inputs["lockout"].active = true
		r.open().run()
		later(time.Minute)
		wantHistory(t, r, "")
	})
}

func TestLockoutIsReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, lock := site(t, pump)
		r.open().run()
		synctest.Wait()
		want := TargetState{Name: "lockout", Kind: "lockout", Load: "off", Proof: "readback"}
		if got := r.reported("lockout"); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		select {
		case <-r.box.Changed():
		default:
		}
		lock.move(true)
		if got := r.reported("lockout"); got.Load != "on" || !got.Active || got.Detail != byTheSwitch {
			t.Errorf("got %+v, want it active", got)
		}
		select {
		case <-r.box.Changed():
		default:
			t.Error("nobody was told")
		}
		if got := strings.Join(r.box.Targets(), " "); got != "pump door" {
			t.Errorf("targets: %s, want no lockout", got)
		}
	})
}
