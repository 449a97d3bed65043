package device

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHardwareThatCannotBeOpenedDisablesOnlyItsTarget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, siren}, Inputs: []InputSpec{{Name: "door"}, {Name: "led"}}})
		r.broken["pump"], r.broken["door"] = errFake, errFake
		r.open().run()
		for _, text := range []string{"pump on", "pump off", "pump read", "door read", "door wait on 5s"} {
			r.want(r.do(text), Refused, "not usable: fake trouble")
		}
		for _, name := range []string{"pump", "door"} {
			if got := r.reported(name); got.Detail != "not usable: fake trouble" || got.Load != "unknown" {
				t.Errorf("report: got %+v, want the reason", got)
			}
		}
		r.want(r.do("siren pulse"), Done, "")
		r.want(r.do("led read"), Done, "")
		r.box.PowerFail(t.Context(), true)
		r.box.Offline(t.Context(), time.Hour)
		r.box.Settle(t.Context(), []Unfinished{{"pump", KindPulse, "c1", true}})
	})
}

// failing makes the Sets from the first to the last fail.
func failing(err error, first, last int) func(int, bool) error {
	return func(n int, _ bool) error {
		if n >= first && n <= last {
			return err
		}
		return nil
	}
}

func TestFirstEdgeThatFails(t *testing.T) {
	for _, text := range []string{"pump on", "pump pulse", "pump on 5m"} {
		bubble(t, func(t *testing.T) {
			r, line := one(t, pump)
			line.fail = failing(errFake, 1, 1)
			ans := r.want(r.do(text), Failed, "the line did not move: fake trouble")
			if len(ans.Edges) != 0 || ans.Load != "off" {
				t.Errorf("got %+v, want no edges", ans)
			}
			later(time.Hour)
			wantTrace(t, line, "")
			if line.sets != 1 {
				t.Errorf("set %d times, want once: it is known not to have moved", line.sets)
			}
			if n := len(r.leases()); n%2 != 0 {
				t.Errorf("journal has an open lease: %v", r.leases())
			}
			r.want(r.do("pump pulse"), Done, "")
		})
	}
}

func TestFirstEdgeWithAnUncertainOutcome(t *testing.T) {
	for text, settled := range map[string]string{"siren on": "-settle call c1", "siren pulse": "-settle call c1", "siren on 5m": "-settle call c1"} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Spec{Outputs: []OutputSpec{siren}})
			slow := r.makeSlow("siren")
			r.open().run()
			slow.fail = func(n int, active bool) error {
				if n > 3 {
					return nil
				}
				slow.level, slow.known = true, false // it moved, and nobody can tell
				slow.edges = []fakeEdge{{active: true, why: "call c1"}}
				return moved(true)
			}
			ans := r.want(r.do(text), Unknown, "the line may have moved, settling it: fake trouble")
			if ans.Load != "unknown" {
				t.Errorf("got %+v, want the load unknown", ans)
			}
			r.want(r.do("siren pulse"), Refused, "busy: settle call c1")
			later(time.Minute)
			wantTrace(t, slow.fakeLine, "+call c1, "+settled)
			r.want(r.do("siren pulse"), Done, "")
		})
	}
}

func TestFirstEdgeOfACycleWithAnUncertainOutcomeSettlesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}}) // safe is off: not where a router should stay
		slow := r.makeSlow("pump")
		r.open().run()
		r.do("pump on")
		slow.fail = func(n int, active bool) error {
			if n > 2 {
				return nil
			}
			slow.level, slow.known = false, false
			return moved(true)
		}
		r.want(r.do("pump cycle"), Unknown, "the line may have moved")
		later(time.Minute)
		if !slow.isActive() {
			t.Error("load is off after a cycle that failed, want it back on")
		}
	})
}

func TestAnErrorThatIsSureMovesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := r.makeSlow("pump")
		slow.known = false
		slow.fail = failing(moved(false), 1, 1)
		r.open().run()
		r.want(r.do("pump pulse"), Failed, "the line did not move: fake trouble")
		later(time.Hour)
		if slow.sets != 1 {
			t.Errorf("set %d times, want once", slow.sets)
		}
	})
}

func TestEdgeBackThatFailsIsTriedUntilItSucceeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		line.fail = failing(errFake, 2, 9)
		start := time.Now()
		ans := r.want(r.do("siren pulse 10s"), Failed, "the edge back failed, trying until it succeeds: fake trouble")
		if time.Since(start) != 10*time.Second || !ans.Active || len(ans.Edges) != 1 {
			t.Errorf("answered after %s with %+v, want at once, with the line active", time.Since(start), ans)
		}
		synctest.Wait()
		if d := r.reported("siren").Detail; !strings.HasPrefix(d, "settle call c1: not there yet, trying until it is: fake") {
			t.Errorf("report says %q, want that it is stuck", d)
		}
		r.want(r.do("siren pulse"), Refused, "busy: settle call c1")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -settle call c1")
		if line.sets != 10 {
			t.Errorf("set %d times, want 10", line.sets)
		}
		if d := r.reported("siren").Detail; d != "" {
			t.Errorf("report says %q, want nothing", d)
		}
		r.want(r.do("siren pulse"), Done, "")
	})
}

func TestMoveTowardsSafeTakesOverASettlement(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.do("pump on")
		line.set(func() { line.fail = failing(errFake, 3, 9) })
		r.want(r.do("pump cycle 1s"), Failed, "the edge back failed")
		line.set(func() { line.fail = nil })
		r.want(r.do("pump off"), Done, "")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -call c2")
	})
}

func TestMoveTowardsSafeThatFailsIsTriedUntilItSucceeds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		line.fail = failing(errFake, 2, 9)
		pulse := r.send("siren pulse 1h", Meta{})
		synctest.Wait()
		r.want(r.do("siren off"), Failed, "the line is not there yet, trying until it is: fake trouble")
		r.want(<-pulse, Failed, "ended by call c2; the line is not there yet, trying until it is: fake trouble")
		later(time.Minute)
		wantTrace(t, line, "+call c1, -call c2")
	})
}

func TestBlockedHardwareDelaysNoOtherTarget(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, siren}})
		gate := make(chan struct{})
		r.lines["pump"].block = gate
		r.open().run()
		stuck := r.send("pump on", Meta{})
		synctest.Wait()
		start := time.Now()
		r.want(r.do("siren on"), Done, "")
		r.want(r.do("siren off"), Done, "")
		r.want(r.do("pump pulse"), Refused, "busy: steady of call c1")
		if d := time.Since(start); d != 0 || len(r.box.Report()) != 2 {
			t.Errorf("others waited %s", d)
		}
		close(gate)
		r.want(<-stuck, Done, "")
	})
}

func TestAMissedSafeLevelIsJournaledUntilItIsReached(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		line.fail = failing(errFake, 2, 9)
		r.want(r.do("siren pulse"), Failed, "the edge back failed")
		if got := strings.Join(r.leases(), ", "); got != "siren c1 true" {
			t.Errorf("journal was told %q when the call was answered, want the debt", got)
		}
		later(time.Hour)
		if got := strings.Join(r.leases(), ", "); got != "siren c1 true, siren c1 false" {
			t.Errorf("journal was told %q, want the debt paid", got)
		}
	})
}

func TestStopWithAnEdgeBackThatFailsSaysWhich(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.do("pump on")
		line.set(func() { line.fail = failing(errFake, 3, 1000) })
		r.want(r.do("pump cycle"), Failed, "the edge back failed")
		if err := r.stop(); err == nil || !strings.Contains(err.Error(), "output pump: fake trouble") {
			t.Errorf("run: got %v, want the output that is not settled", err)
		}
	})
}

func TestPoliciesDoNotTouchWhatIsThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.box.PowerFail(t.Context(), true)
		_ = r.box.Safe(t.Context())
		if line.sets != 0 {
			t.Errorf("set %d times, want none", line.sets)
		}
	})
}

// The newest truth about a lease is told last, however slow the journal is.
func TestClerkTellsTheNewestTruth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		gate, quit := make(chan struct{}), make(chan struct{})
		var told []string
		c := newClerk(func(target, call string, open bool) {
			<-gate
			told = append(told, call)
		})
		over := make(chan struct{})
		go func() { c.loop(quit); close(over) }()
		c.note("pump", "c1")
		synctest.Wait()
		c.note("pump", "c2")
		c.note("pump", "c3")
		close(gate)
		c.wait("pump", nil)
		if got := strings.Join(told, ", "); got != "c1, c3" {
			t.Errorf("told %s, want c1, c3", got)
		}
		close(quit)
		<-over
	})
}

// simulated is a line that says of itself that nothing real is read.
type simulated struct{ Line }

func (simulated) Proof() string { return "sim" }

func TestSimulatedLineNeverClaimsReadback(t *testing.T) {
	if got := proofOf(simulated{}); got != "sim" {
		t.Errorf("a simulated line proves %q, want sim", got)
	}
	if got := proofOf(struct{}{}); got != "readback" {
		t.Errorf("a real line proves %q, want readback", got)
	}
}

func TestAbsentTargetIsRefusedWithItsReason(t *testing.T) {
	box := New(Spec{}, nil, Options{Absent: map[string]string{"router": "box.toml:7: contact: want no or nc"}})
	ans := box.Do(t.Context(), Command{Target: "router", Verb: "on"}, Meta{})
	if ans.State != Refused || !strings.Contains(ans.Detail, "box.toml:7") || ans.Edges == nil {
		t.Errorf("got %+v, want refused with the fault", ans)
	}
}
