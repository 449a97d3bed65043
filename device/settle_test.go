package device

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// settled is a box after a crash: the line is where it was left.
func settled(t *testing.T, spec OutputSpec, active bool, left ...Unfinished) *fakeLine {
	r := newRig(t, Spec{Outputs: []OutputSpec{spec}})
	line := r.lines[spec.Name]
	line.level = active
	r.open()
	r.box.Settle(t.Context(), left)
	return line
}

func TestSettleAfterACrash(t *testing.T) {
	with := func(s OutputSpec, atStart string) OutputSpec { s.AtStart = atStart; return s }
	for _, test := range []struct {
		name   string
		spec   OutputSpec
		active bool
		left   Unfinished
		want   string
	}{
		{"a pulse goes inactive", pump, true, Unfinished{"pump", KindPulse, "c1", true}, "-settle call c1"},
		{"whatever is safe", valve, true, Unfinished{"valve", KindPulse, "c1", true}, "-settle call c1"},
		{"a lease goes to safe", pump, true, Unfinished{"pump", KindLease, "c1", true}, "-settle call c1"},
		{"to the safe line", fan, false, Unfinished{"fan", KindLease, "c1", true}, "+settle call c1"},
		{"a cycle goes to load on", router, true, Unfinished{"router", KindCycle, "c1", true}, "-settle call c1"},
		{"on a no contact too", pump, false, Unfinished{"pump", KindCycle, "c1", true}, "+settle call c1"},
		{"a cycle of another boot is over", pump, false, Unfinished{"pump", KindCycle, "c1", false}, ""},
		{"a pulse of another boot ends", pump, true, Unfinished{"pump", KindPulse, "c1", false}, "-settle call c1"},
		{"unless at_start has ruled", with(pump, "on"), true, Unfinished{"pump", KindPulse, "c1", false}, ""},
		{"a steady output stays", pump, true, Unfinished{"pump", KindSteady, "c1", true}, ""},
		{"what is there already has no edge", pump, false, Unfinished{"pump", KindPulse, "c1", true}, ""},
		{"an unknown target is nobody's", pump, true, Unfinished{"gone", KindPulse, "c1", true}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { wantTrace(t, settled(t, test.spec, test.active, test.left), test.want) })
		})
	}
}

func TestALeaseOutweighsACycleUnderIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		line := settled(t, pump, true, Unfinished{"pump", KindLease, "c1", true}, Unfinished{"pump", KindCycle, "c2", true})
		wantTrace(t, line, "-settle call c1")
	})
}

func TestSettleThatFailsIsTriedAgainByRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		line := r.lines["pump"]
		line.level = true
		line.fail = func(n int, _ bool) error { return map[bool]error{true: errFake}[n < 4] }
		r.open()
		r.box.Settle(t.Context(), []Unfinished{{"pump", KindPulse, "c1", true}})
		if d := r.reported("pump").Detail; !strings.HasPrefix(d, "settle call c1: not there yet") {
			t.Errorf("report says %q, want what is not settled", d)
		}
		wantTrace(t, line, "")
		r.run()
		later(time.Minute)
		wantTrace(t, line, "-settle call c1")
		if line.sets != 4 || r.reported("pump").Detail != "" {
			t.Errorf("%d sets, report %q; want 4 and nothing", line.sets, r.reported("pump").Detail)
		}
	})
}

func TestSettleWithHangingHardwareEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, siren}})
		gate := make(chan struct{})
		r.lines["pump"].level, r.lines["siren"].level, r.lines["pump"].block = true, true, gate
		r.open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.box.Settle(ctx, []Unfinished{{"pump", KindPulse, "c1", true}, {"siren", KindPulse, "c2", true}})
		wantTrace(t, r.lines["siren"], "-settle call c2")
		r.run()
		r.want(r.do("siren pulse"), Done, "")
		close(gate)
		later(time.Second)
		wantTrace(t, r.lines["pump"], "-settle call c1")
		r.want(r.do("pump pulse"), Done, "")
	})
}

var everyKind = Spec{Outputs: []OutputSpec{
	{Name: "pulsed", Longest: time.Hour}, {Name: "leased"}, {Name: "cycled", Longest: time.Hour}, {Name: "steady"}, {Name: "begun"},
}}

// busyRig is a box in the middle of one action of every kind.
func busyRig(t *testing.T, spec Spec) (r *rig, calls map[string]<-chan Answer, disk chan struct{}) {
	r = newRig(t, spec).open().run()
	disk = make(chan struct{})
	r.do("steady on")
	r.do("cycled on")
	r.do("leased on 1h")
	calls = map[string]<-chan Answer{
		"pulsed": r.send("pulsed pulse 1h", Meta{}),
		"cycled": r.send("cycled cycle 1h", Meta{}),
		"begun":  r.send("begun on", Meta{Begin: func(context.Context, Action) error { <-disk; return nil }}),
	}
	later(time.Minute)
	return r, calls, disk
}

func TestStopSettles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, calls, disk := busyRig(t, everyKind)
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		close(disk)
		for name, answer := range calls {
			if ans := r.want(<-answer, Failed, "ended by stop"); name == "pulsed" && len(ans.Edges) != 2 {
				t.Errorf("pulse: got %+v, want both edges in the answer", ans)
			}
		}
		for name, want := range map[string]string{"pulsed": "-stop", "leased": "-stop", "cycled": "+stop", "steady": "+call c1", "begun": ""} {
			if got := r.lines[name].trace(); !strings.HasSuffix(got, want) || want == "" && got != "" {
				t.Errorf("%s: edges %q, want %q last", name, got, want)
			}
		}
		owed := map[string]bool{}
		for _, l := range r.leases() { // a pulse that ends safe is owed too, for as long as it takes
			name, _, _ := strings.Cut(l, " ")
			owed[name] = strings.HasSuffix(l, " true")
		}
		if open, told := owed["leased"]; !told || open || owed["pulsed"] {
			t.Errorf("journal was told %v, want the lease closed and nothing owed", r.leases())
		}
		r.want(r.do("steady off"), Refused, "stopping: ")
	})
}

func TestStopWithHangingHardwareEndsAndSaysWhich(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, siren}}).open().run()
		gate := make(chan struct{})
		r.do("pump on 1h")
		pulse := r.send("siren pulse 1h", Meta{})
		synctest.Wait()
		r.lines["pump"].set(func() { r.lines["pump"].block = gate })
		start := time.Now()
		err := r.stop()
		if err == nil || !strings.Contains(err.Error(), "output pump") || time.Since(start) != stopLimit {
			t.Errorf("run ended after %s with %v, want pump named after %s", time.Since(start), err, stopLimit)
		}
		r.want(<-pulse, Failed, "ended by stop")
		wantTrace(t, r.lines["siren"], "+call c2, -stop")
		close(gate)
	})
}

func TestPowerFailLatches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, calls, disk := busyRig(t, everyKind)
		r.box.PowerFail(t.Context(), true)
		close(disk)
		for _, answer := range calls {
			r.want(<-answer, Failed, "power")
		}
		for name, want := range map[string]string{"pulsed": "-power-fail", "leased": "-power-fail", "cycled": "-call c5", "steady": "-power-fail", "begun": ""} {
			if got := r.lines[name].trace(); !strings.HasSuffix(got, want) || r.lines[name].level {
				t.Errorf("%s: edges %q, want %q last", name, got, want)
			}
		}
		r.want(r.do("steady on"), Refused, "power: ")
		r.box.PowerFail(t.Context(), false)
		r.want(r.do("steady on"), Done, "")
	})
}

func TestPowerFailUnderHoldSettlesOnly(t *testing.T) {
	bubble(t, func(t *testing.T) {
		spec := everyKind
		spec.PowerFail = &PowerFailSpec{Outputs: "hold"}
		spec.Outputs = slices.Clone(spec.Outputs)
		spec.Outputs = append(spec.Outputs, OutputSpec{Name: "own", PowerFail: "safe"})
		r, calls, disk := busyRig(t, spec)
		r.do("own on")
		r.box.PowerFail(t.Context(), true)
		close(disk)
		for _, answer := range calls {
			r.want(<-answer, Failed, "power")
		}
		for name, want := range map[string]string{"pulsed": "-power-fail", "leased": "-power-fail", "cycled": "+power-fail", "steady": "+call c1", "begun": "", "own": "-power-fail"} {
			if got := r.lines[name].trace(); !strings.HasSuffix(got, want) || want == "" && got != "" {
				t.Errorf("%s: edges %q, want %q last", name, got, want)
			}
		}
	})
}

func TestPowerFailWithABlockedBoardMovesTheRestAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, siren, valve}}).open().run()
		r.do("pump on")
		r.do("siren on")
		gate := make(chan struct{})
		r.lines["pump"].set(func() { r.lines["pump"].block = gate })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		r.box.PowerFail(ctx, true)
		wantTrace(t, r.lines["siren"], "+call c2, -power-fail")
		if at := r.lines["siren"].edges[1].at; at != start {
			t.Errorf("siren moved after %s, want at once", at.Sub(start))
		}
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("PowerFail took %s, want its budget", got)
		}
		close(gate)
	})
}

func TestOfflineGoesToSafeOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{OfflineSafeAfter: time.Hour, Outputs: []OutputSpec{pump, {Name: "own", Offline: time.Minute}, {Name: "never", Offline: -1}}}).open().run()
		away := func(d time.Duration) { r.box.Offline(t.Context(), d) }
		for _, name := range []string{"pump", "own", "never"} {
			r.do(name + " on")
		}
		away(59 * time.Second)
		wantTrace(t, r.lines["own"], "+call c2")
		away(time.Minute)
		wantTrace(t, r.lines["own"], "+call c2, -offline")
		wantTrace(t, r.lines["pump"], "+call c1")
		r.do("own on") // from the box itself, say
		away(time.Hour)
		wantTrace(t, r.lines["own"], "+call c2, -offline, +call c4")
		wantTrace(t, r.lines["pump"], "+call c1, -offline")
		away(0)
		away(time.Hour)
		wantTrace(t, r.lines["own"], "+call c2, -offline, +call c4, -offline")
		wantTrace(t, r.lines["never"], "+call c3")
	})
}

func TestSafeDrivesEveryOutput(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, router, fan}})
		for _, l := range r.lines {
			l.level = !l.level
		}
		if err := r.open().box.Safe(t.Context()); err != nil { // nothing runs
			t.Errorf("safe: %v", err)
		}
		wantTrace(t, r.lines["pump"], "-safe")
		wantTrace(t, r.lines["router"], "-safe")
		wantTrace(t, r.lines["fan"], "+safe")
	})
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{siren, pump}})
		r.broken["pump"] = errFake
		r.open().run()
		pulse := r.send("siren pulse 1m", Meta{})
		synctest.Wait()
		if err := r.box.Safe(t.Context()); err == nil || !strings.Contains(err.Error(), "output pump: fake trouble") {
			t.Errorf("safe: got %v, want pump named", err)
		}
		r.want(<-pulse, Failed, "ended by safe")
	})
}
