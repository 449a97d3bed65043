package device

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs a test in which time is virtual.
func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

var (
	pump   = OutputSpec{Name: "pump"}                       // contact no, safe off
	router = OutputSpec{Name: "router", Contact: ContactNC} // contact nc, safe on
	siren  = OutputSpec{Name: "siren", Longest: time.Hour}  // long widths
	valve  = OutputSpec{Name: "valve", Safe: LoadOn}        // no contact, driven when safe
	fan    = OutputSpec{Name: "fan", Contact: ContactNC, Safe: LoadOff}
)

func TestLoadAndLine(t *testing.T) {
	for _, test := range []struct {
		spec       OutputSpec
		safe       Load
		safeActive bool
		onActive   bool
	}{
		{pump, LoadOff, false, true},
		{router, LoadOn, false, false},
		{valve, LoadOn, true, true},
		{fan, LoadOff, true, false},
	} {
		if got := test.spec.SafeLoad(); got != test.safe {
			t.Errorf("%s: safe load %s, want %s", test.spec.Name, got, test.safe)
		}
		if got := test.spec.SafeActive(); got != test.safeActive {
			t.Errorf("%s: safe active %t, want %t", test.spec.Name, got, test.safeActive)
		}
		if got := test.spec.ActiveFor(LoadOn); got != test.onActive {
			t.Errorf("%s: on active %t, want %t", test.spec.Name, got, test.onActive)
		}
		if test.spec.LoadFor(test.onActive) != LoadOn || test.spec.LoadFor(!test.onActive) != LoadOff {
			t.Errorf("%s: LoadFor does not undo ActiveFor", test.spec.Name)
		}
	}
}

func TestOnAndOffSpeakOfTheLoadEdgesOfTheLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, router)
		off := r.want(r.do("router off"), Done, "")
		on := r.want(r.do("router on"), Done, "")
		wantTrace(t, line, "+call c1, -call c2")
		if !off.Active || off.Load != "off" || !slices.Equal(off.Edges, []Edge{{true, 0}}) {
			t.Errorf("off: got %+v, want the line active, the load off, one edge up", off)
		}
		if on.Active || on.Load != "on" || !slices.Equal(on.Edges, []Edge{{false, 0}}) {
			t.Errorf("on: got %+v, want the line inactive, the load on, one edge down", on)
		}
	})
}

func TestPulseIsActiveThenInactiveWhateverTheContact(t *testing.T) {
	for _, spec := range []OutputSpec{pump, router, fan} {
		bubble(t, func(t *testing.T) {
			r, line := one(t, spec)
			if spec.SafeActive() {
				r.do(spec.Name + " on") // to inactive
			}
			ans := r.want(r.do(spec.Name+" pulse"), Done, "")
			if want := []Edge{{true, 0}, {false, 500}}; !slices.Equal(ans.Edges, want) {
				t.Errorf("%s: edges %v, want %v", spec.Name, ans.Edges, want)
			}
			if ans.TookMS != 500 || ans.Active || line.level {
				t.Errorf("%s: got %+v, want 500 ms and inactive", spec.Name, ans)
			}
		})
	}
}

func TestCycleIsLoadOffWaitOn(t *testing.T) {
	for _, spec := range []OutputSpec{pump, router, valve, fan} {
		bubble(t, func(t *testing.T) {
			r, line := one(t, spec)
			r.do(spec.Name + " on")
			before := len(line.edges)
			ans := r.want(r.do(spec.Name+" cycle"), Done, "")
			off := spec.ActiveFor(LoadOff)
			if want := []Edge{{off, 0}, {!off, 10000}}; !slices.Equal(ans.Edges, want) || ans.Load != "on" {
				t.Errorf("%s: edges %v load %s, want %v and on", spec.Name, ans.Edges, ans.Load, want)
			}
			if got := line.between(before, before+1); got != 10*time.Second {
				t.Errorf("%s: off for %s, want 10s", spec.Name, got)
			}
		})
	}
}

func TestCycleOfALoadThatIsOffIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.want(r.do("pump cycle"), Refused, "the load is off")
		wantTrace(t, line, "")
	})
}

func TestOnOfALoadThatIsOnHasNoEdges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MinDwell: time.Hour, MaxPerHour: 1})
		r.want(r.do("pump on"), Done, "")
		ans := r.want(r.do("pump on"), Done, "the load is on already")
		if len(ans.Edges) != 0 || ans.Proof != "readback" || !ans.Active || ans.Load != "on" {
			t.Errorf("got %+v, want no edges and the load on", ans)
		}
		r.want(r.do("pump off"), Done, "")
		r.want(r.do("pump off"), Done, "the load is off already")
		wantTrace(t, line, "+call c1, -call c3")
	})
}

func TestLongestBoundsPulseAndCycle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "router", Contact: ContactNC, Longest: 2 * time.Second})
		r.want(r.do("router pulse 3s"), Refused, `pulse of router "3s" is too long: want 1ms to 2s`)
		r.want(r.do("router cycle 2001ms"), Refused, `cycle of router "2001ms" is too long: want 1ms to 2s`)
		wantTrace(t, line, "")
		if ans := r.want(r.do("router cycle"), Done, ""); ans.TookMS != 2000 {
			t.Errorf("cycle without a width took %d ms, want no more than longest, 2000", ans.TookMS)
		}
	})
}

func TestLeaseAnswersAtOnceAndOutlivesItsCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		ans := r.want(r.do("pump on 10m"), Done, "")
		if ans.TookMS != 0 || !ans.Active || len(ans.Edges) != 1 {
			t.Errorf("got %+v, want an answer at once with one edge", ans)
		}
		if got := r.reported("pump").Detail; got != "lease of call c1" {
			t.Errorf("report says %q, want the lease", got)
		}
		later(10*time.Minute + time.Second)
		wantTrace(t, line, "+call c1, -lease over, call c1")
		if got := line.between(0, 1); got != 10*time.Minute {
			t.Errorf("lease lasted %s, want 10m", got)
		}
		if want := []string{"pump c1 true", "pump c1 false"}; !slices.Equal(r.leases(), want) {
			t.Errorf("journal was told %v, want %v", r.leases(), want)
		}
	})
}

func TestAnotherOnRenewsALease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MinDwell: time.Hour})
		r.do("pump on 10m")
		later(9 * time.Minute)
		if ans := r.want(r.do("pump on 5m"), Done, ""); len(ans.Edges) != 0 {
			t.Errorf("renewal has edges %v, want none", ans.Edges)
		}
		later(6 * time.Minute)
		wantTrace(t, line, "+call c1, -lease over, call c2")
		if got := line.between(0, 1); got != 14*time.Minute {
			t.Errorf("load on for %s, want 14m", got)
		}
		if want := []string{"pump c1 true", "pump c2 true", "pump c2 false"}; !slices.Equal(r.leases(), want) {
			t.Errorf("journal was told %v, want %v", r.leases(), want)
		}
	})
}

func TestPlainOnEndsTheLeaseAndIsSteady(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.do("pump on 10m")
		r.want(r.do("pump on"), Done, "the load is on already")
		if want := []string{"pump c1 true", "pump c1 false"}; !slices.Equal(r.leases(), want) {
			t.Errorf("journal was told %v when the answer came, want %v", r.leases(), want)
		}
		later(time.Hour)
		wantTrace(t, line, "+call c1")
	})
}

func TestOffEndsALease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.do("pump on 10m")
		r.want(r.do("pump off"), Done, "")
		r.do("pump on")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -call c2, +call c3")
	})
}

func TestLeaseIsJournaledBeforeItsEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		slow := make(chan struct{})
		r.box.clerk.tell = func(string, string, bool) { <-slow }
		r.open().run()
		answer := r.send("pump on 10m", Meta{})
		synctest.Wait()
		wantTrace(t, r.lines["pump"], "")
		close(slow)
		r.want(<-answer, Done, "")
	})
}

func TestLeaseIsAtMostSevenDaysAndMaxOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, pump)
		r.want(r.do("pump on 168h"), Done, "")
		r.want(r.do("pump on 169h"), Refused, `on of pump "169h" is too long: want 1ms to 168h`)
	})
	bubble(t, func(t *testing.T) {
		r, _ := one(t, OutputSpec{Name: "pump", MaxOn: time.Minute})
		r.want(r.do("pump on 61s"), Refused, `on of pump "61s" is too long: want 1ms to 1m`)
	})
}

func TestLeaseTowardsSafeIsNoLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, router)
		r.do("router off")
		r.want(r.do("router on 10m"), Done, "")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -call c2")
		if want := []string{"router c2 true", "router c2 false"}; !slices.Equal(r.leases(), want) {
			t.Errorf("journal was told %v, want %v", r.leases(), want)
		}
		if r.reported("router").Detail != "" {
			t.Errorf("report says %q, want nothing", r.reported("router").Detail)
		}
	})
}

func TestRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, router)
		ans := r.want(r.do("router read"), Done, "")
		if ans.Proof != "readback" || ans.Active || ans.Load != "on" || len(ans.Edges) != 0 {
			t.Errorf("got %+v, want a readback of the load on", ans)
		}
		r.want(r.do("router read now"), Refused, `read takes no argument, not "now"`)
		wantTrace(t, line, "")
	})
}

func TestAnswerHasThePinnedKeys(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, pump)
		for text, want := range map[string]string{
			"pump pulse": `{"state":"done","proof":"readback","target":"pump","verb":"pulse","active":false,"load":"off","edges":[{"active":true,"at_ms":0},{"active":false,"at_ms":500}],"took_ms":500,"detail":""}`,
			"pump fly":   `{"state":"refused","proof":"readback","target":"pump","verb":"fly","active":false,"load":"off","edges":[],"took_ms":0,"detail":"unknown verb \"fly\": pump, an output, knows on, off, on 10m (a lease), pulse [500ms], cycle [10s], read"}`,
		} {
			got, err := json.Marshal(r.do(text))
			if err != nil || string(got) != want {
				t.Errorf("%s: got %s %v\nwant %s", text, got, err, want)
			}
		}
	})
}

func TestUnknownTargetListsTheTargets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, router}, Inputs: []InputSpec{{Name: "door"}}}).open().run()
		r.want(r.do("rooter on"), Refused, `unknown target "rooter": this box has pump, router, door`)
		r.want(r.do("door on"), Refused, `unknown verb "on": door, an input, knows read, wait on 30s, wait off 30s`)
		if ans := r.do("pump toggle"); ans.State != Refused || !strings.Contains(ans.Detail, "there is no toggle") {
			t.Errorf("toggle: got %+v, want a refusal that says why", ans)
		}
	})
}
