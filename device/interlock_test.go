package device

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// motor is up and down, of which at most one may be on.
var motor = Spec{
	Outputs:    []OutputSpec{{Name: "up", Longest: time.Hour}, {Name: "down", Longest: time.Hour}},
	Interlocks: []InterlockSpec{{Outputs: []string{"up", "down"}, DeadTime: 500 * time.Millisecond}},
}

// with is the motor with its outputs changed.
func with(up, down OutputSpec) Spec {
	s := motor
	up.Name, down.Name = "up", "down"
	s.Outputs = []OutputSpec{up, down}
	return s
}

// calm is a running motor whose first dead time is over.
func calm(t *testing.T, s Spec) *rig {
	r := newRig(t, s).open().run()
	later(time.Second)
	return r
}

// history is the edges of both, with when they came after the first.
func history(r *rig) string {
	type at struct {
		fakeEdge
		name string
	}
	var all []at
	for _, name := range []string{"up", "down"} {
		for _, e := range r.lines[name].edges {
			i := len(all)
			for i > 0 && all[i-1].at.After(e.at) {
				i--
			}
			all = append(all[:i], append([]at{{e, name}}, all[i:]...)...)
		}
	}
	var s []string
	for _, e := range all {
		s = append(s, fmt.Sprintf("%s%s %s", map[bool]string{true: "+", false: "-"}[e.active], e.name, e.at.Sub(all[0].at)))
	}
	return strings.Join(s, ", ")
}

func wantHistory(t *testing.T, r *rig, want string) {
	t.Helper()
	if got := history(r); got != want {
		t.Errorf("edges: got %q, want %q", got, want)
	}
}

// guarded is two gates of one group, both off and past their dead time.
func guarded(t *testing.T) (up, down *gate, lines map[string]*fakeLine) {
	l := &interlock{dead: 500 * time.Millisecond}
	lines = map[string]*fakeLine{}
	var gates []*gate
	for _, s := range motor.Outputs {
		g := newGate(s)
		g.lock = l
		l.members = append(l.members, g)
		lines[s.Name] = &fakeLine{known: true, proof: "readback"}
		g.open(lines[s.Name])
		if _, _, err := g.active(); err != nil {
			t.Fatal(err)
		}
		gates = append(gates, g)
	}
	time.Sleep(time.Second)
	return gates[0], gates[1], lines
}

// hardware.md 7, "interlock dead-time": the guard stands in the line itself.
func TestGuardLetsNoSecondLoadOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		up, down, lines := guarded(t)
		try := func(g *gate, active bool, want string) {
			t.Helper()
			_, err := g.set(active, "x")
			if got := fmt.Sprint(err); got != want {
				t.Errorf("set %s %t: got %q, want %q", g.name, active, got, want)
			}
			if err != nil && !still(err) {
				t.Errorf("%v does not say that the line is where it was", err)
			}
		}
		try(up, true, "<nil>")
		try(down, true, "interlock: up is on")
		try(down, false, "<nil>") // off always passes
		try(up, false, "<nil>")
		time.Sleep(200 * time.Millisecond)
		try(down, true, "interlock: dead time after up, 300ms left")
		try(up, true, "<nil>") // its own way back needs none
		try(up, false, "<nil>")
		time.Sleep(500 * time.Millisecond)
		try(down, true, "<nil>")
		if lines["up"].level || !lines["down"].level || lines["down"].sets != 2 {
			t.Errorf("down was set %d times", lines["down"].sets)
		}
	})
}

func TestGuardStartsInsideItsDeadTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor).open().run()
		ans := r.want(r.do("up on"), Done, "")
		if len(ans.Edges) != 1 || ans.TookMS != 0 {
			t.Errorf("got %+v, want one edge at once after the wait", ans)
		}
		if got := time.Since(r.lines["up"].edges[0].at.Add(-500 * time.Millisecond)); got != 500*time.Millisecond {
			t.Errorf("edge %s after the start, want 500ms", got)
		}
	})
}

// What nobody knows counts as on.
func TestGuardTakesUnknownForOn(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(g *gate, l *fakeLine)
		want string
	}{
		{"a drive that may have moved", func(g *gate, l *fakeLine) {
			l.fail = failing(moved(true), 1, 1)
			_, _ = g.set(true, "x")
		}, "interlock: up may be on, nobody knows: look at it, then say up off"},
		{"a drive back that failed", func(g *gate, l *fakeLine) {
			l.fail = failing(moved(true), 2, 2)
			_, _ = g.set(true, "x")
			_, _ = g.set(false, "x")
		}, "interlock: up may be on, nobody knows (fake trouble, moved true): look at it, then say up off"},
		{"a level that cannot be told any more", func(g *gate, l *fakeLine) {
			l.known = false
			_, _, _ = g.active()
		}, "interlock: up may be on, nobody knows: look at it, then say up off"},
		{"a line that is not open", func(g *gate, l *fakeLine) {
			*g = *newGate(motor.Outputs[0])
		}, "interlock: up is not usable (not opened yet) and counts as on: repair it, or take it out of the [[interlock]]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				up, down, lines := guarded(t)
				lock := up.lock
				test.make(up, lines["up"])
				up.lock = lock
				time.Sleep(time.Hour)
				if _, err := down.set(true, "x"); err == nil || err.Error() != test.want {
					t.Errorf("got %v, want %s", err, test.want)
				}
			})
		})
	}
}

// A board that only took the command has not proved that the load is off.
func TestGuardWantsOffProved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		up, down, lines := guarded(t)
		up.open(&slowLine{fakeLine: lines["up"]})
		_, _ = up.set(true, "x")
		_, _ = up.set(false, "x")
		_, _, _ = up.active() // says only what it was told
		time.Sleep(time.Hour)
		if _, err := down.set(true, "x"); err == nil || err.Error() != "interlock: up is on" {
			t.Errorf("got %v, want it held until off is proved", err)
		}
		_, _ = up.prove(false)
		if _, err := down.set(true, "x"); err == nil || !strings.HasPrefix(err.Error(), "interlock: dead time") {
			t.Errorf("got %v, want the dead time counted from the proof", err)
		}
	})
}

// Two hands at the same time: who has passed the guard counts as on.
func TestGuardWhileALoadGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		up, down, lines := guarded(t)
		lines["up"].block = make(chan struct{})
		over := make(chan error, 1)
		go func() { _, err := up.set(true, "x"); over <- err }()
		synctest.Wait()
		if _, err := down.set(true, "x"); err == nil {
			t.Error("down went on while up was going on")
		}
		lines["up"].fail = failing(moved(false), 1, 1)
		close(lines["up"].block)
		if err := <-over; err == nil {
			t.Error("up went on, want trouble")
		}
		later(500 * time.Millisecond)
		if _, err := down.set(true, "x"); err != nil {
			t.Errorf("down: %v, want it on, since up is known not to have moved", err)
		}
	})
}

func TestSwitchingOverBreaksBeforeItMakes(t *testing.T) {
	for text, want := range map[string]string{
		"down on":        "+up 0s, -up 1m0s, +down 1m0.5s",
		"down on 5m":     "+up 0s, -up 1m0s, +down 1m0.5s",
		"down pulse 10s": "+up 0s, -up 1m0s, +down 1m0.5s, -down 1m10.5s",
	} {
		bubble(t, func(t *testing.T) {
			r := calm(t, motor)
			r.do("up on")
			later(time.Minute)
			ans := r.want(r.do(text), Done, "up was switched off first")
			wantHistory(t, r, want)
			if ans.Edges[0].AtMS != 500 || r.lines["up"].edges[1].why != "call c2" {
				t.Errorf("got %+v, want the edge after the dead time, and up off for call c2", ans)
			}
			if got := r.reported("up"); got.Load != "off" || got.Detail != "" {
				t.Errorf("up: %+v", got)
			}
		})
	}
}

// A released relay (nc) is load on: pulse drives it, so the make is its end.
func TestSwitchingOverWithNormallyClosedContacts(t *testing.T) {
	nc := OutputSpec{Contact: ContactNC, Safe: LoadOff, Longest: time.Hour}
	for text, want := range map[string]string{
		"down on":       "-up 0s, +up 1m0s, -down 1m0.5s",
		"down pulse 1s": "-up 0s, +up 1m0s, -down 1m1.5s", // it is driven already: only the way back
	} {
		bubble(t, func(t *testing.T) {
			r := calm(t, with(nc, nc))
			r.do("up on")
			later(time.Minute)
			r.want(r.do(text), Done, "up was switched off first")
			wantHistory(t, r, want)
		})
	}
	bubble(t, func(t *testing.T) {
		r := calm(t, with(nc, nc))
		r.do("up on")
		r.want(r.do("up cycle 100ms"), Done, "") // nobody else went off
		r.want(r.do("up pulse 100ms"), Done, "")
		wantHistory(t, r, "-up 0s, +up 0s, -up 100ms, +up 100ms, -up 200ms")
	})
}

func TestARunningMemberMakesTheOthersBusy(t *testing.T) {
	for _, running := range []string{"up pulse 1m", "up cycle 1m"} {
		bubble(t, func(t *testing.T) {
			r := calm(t, motor)
			if strings.Contains(running, "cycle") {
				r.do("up on")
			}
			call := r.send(running, Meta{Call: "r"})
			synctest.Wait()
			for _, text := range []string{"down on", "down pulse", "down on 5m"} {
				r.want(r.do(text), Refused, "busy: interlock with up: "+strings.Fields(running)[1]+" of call r")
			}
			r.want(r.do("down off"), Done, "")
			r.want(<-call, Done, "")
			r.want(r.do("down pulse"), Done, "")
		})
	}
}

// While one waits for the dead time its owner serves everybody.
func TestWaitingForTheDeadTimeBlocksNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := calm(t, motor)
		r.do("up on")
		over := r.send("down on", Meta{Call: "w"})
		later(100 * time.Millisecond)
		start := time.Now()
		if got := r.reported("down").Detail; got != "steady of call w: waiting for its interlock" {
			t.Errorf("report says %q", got)
		}
		r.want(r.do("down pulse"), Refused, "busy: steady of call w")
		r.want(r.do("up on"), Refused, "busy: interlock with down: steady of call w")
		r.want(r.do("up off"), Done, "the load is off already")
		r.want(r.do("down off"), Done, "")
		r.want(<-over, Failed, "ended by call c5")
		if d := time.Since(start); d != 0 {
			t.Errorf("answers took %s", d)
		}
		later(time.Hour)
		wantHistory(t, r, "+up 0s, -up 0s")
		r.want(r.do("up on"), Done, "")
	})
}

func TestWhatEndsAWaitForTheDeadTime(t *testing.T) {
	for ended, end := range map[string]func(r *rig){
		"power":         func(r *rig) { r.box.PowerFail(r.t.Context(), true) },
		"ended by safe": func(r *rig) { _ = r.box.Safe(r.t.Context()) },
		"ended by stop": func(r *rig) { _ = r.stop() },
	} {
		bubble(t, func(t *testing.T) {
			r := calm(t, motor)
			r.do("up on")
			over := r.send("down on", Meta{})
			later(100 * time.Millisecond)
			end(r)
			r.want(<-over, Failed, ended)
			later(time.Hour)
			wantHistory(t, r, "+up 0s, -up 0s")
		})
	}
}

// The call's life counts to its first edge, which may be another member's.
func TestLifeOfACallThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor).open().run()
		var late atomic.Bool
		over := r.send("down on", Meta{Fresh: func() error {
			if late.Load() {
				return errors.New("expired")
			}
			return nil
		}})
		later(100 * time.Millisecond) // inside the first dead time: nothing has moved
		late.Store(true)
		r.want(<-over, Expired, "expired")
		r.want(r.do("down on"), Done, "")
		asked := 0
		r.want(<-r.send("up on", Meta{Fresh: func() error { asked++; return nil }}), Done, "down was switched off first")
		if asked != 1 {
			t.Errorf("asked %d times, want before the first edge only", asked)
		}
	})
}

func TestAMemberThatCannotGoOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := calm(t, motor)
		r.do("up on")
		r.lines["up"].set(func() { r.lines["up"].fail = failing(errFake, 2, 5) })
		r.want(r.do("down on"), Failed, "the line did not move: interlock: up is on (fake trouble)")
		later(time.Minute) // up goes on trying
		wantHistory(t, r, "+up 0s, -up 1.5s")
		r.want(r.do("down on"), Done, "")
	})
	bubble(t, func(t *testing.T) { // it hangs
		r := calm(t, motor)
		r.do("up on")
		gate := make(chan struct{})
		r.lines["up"].set(func() { r.lines["up"].block = gate })
		start := time.Now()
		r.want(r.do("down on"), Failed, "the line did not move: interlock: up is on")
		if d := time.Since(start); d != breakLimit {
			t.Errorf("answered after %s, want %s", d, breakLimit)
		}
		close(gate)
		later(time.Minute)
		wantHistory(t, r, "+up 0s, -up 10s")
	})
	bubble(t, func(t *testing.T) { // it was never there
		r := newRig(t, motor)
		r.broken["up"] = errFake
		r.open().run()
		r.want(r.do("down on"), Failed, "the line did not move: interlock: up is not usable (fake trouble)")
		r.want(r.do("down off"), Done, "")
	})
}

// A board that nobody could ask yet is told to go off first.
func TestUnknownMemberIsSwitchedOffFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor)
		slow := r.makeSlow("up")
		slow.known = false
		r.open().run()
		r.want(r.do("down on"), Done, "up was switched off first")
		if slow.sets != 1 || slow.proves != 1 {
			t.Errorf("up was set %d and proved %d times, want 1, 1", slow.sets, slow.proves)
		}
		slow.set(func() { slow.gone, slow.known = moved(false), false })
		slow.news <- struct{}{}
		later(time.Minute)
		r.want(r.do("down off"), Done, "")
		slow.set(func() { slow.fail = func(int, bool) error { return moved(false) } })
		r.want(r.do("down on"), Failed, "the line did not move: interlock: up may be on, nobody knows (fake trouble, moved false): look at it, then say up off")
	})
}

// min_dwell of a member holds for a break, too, where off is not its safe load.
func TestBreakingKeepsTheLimitsOfTheOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, with(OutputSpec{Safe: LoadOn, MinDwell: time.Minute}, OutputSpec{}))
		r.lines["up"].level = false
		r.open().run()
		later(time.Second)
		r.do("up on")
		r.want(r.do("down on"), Failed, "the line did not move: interlock: up is on (min_dwell: the last edge was 0s ago")
		later(time.Minute)
		r.want(r.do("down on"), Done, "up was switched off first")
	})
}

// To safe: offs at once, ons after the dead time.
func TestTowardsSafeKeepsTheDeadTime(t *testing.T) {
	mains := OutputSpec{Safe: LoadOn, Longest: time.Hour}
	for name, end := range map[string]func(r *rig){
		"power":   func(r *rig) { r.box.PowerFail(r.t.Context(), true) },
		"offline": func(r *rig) { r.box.Offline(r.t.Context(), time.Hour) },
		"safe": func(r *rig) {
			if err := r.box.Safe(r.t.Context()); err != nil {
				r.t.Error(err)
			}
		},
		"call": func(r *rig) {
			if ans := r.want(r.do("up on"), Done, ""); len(ans.Edges) != 1 || ans.Load != "on" {
				r.t.Errorf("got %+v, want the edge", ans)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := with(mains, OutputSpec{Longest: time.Hour})
				s.OfflineSafeAfter = time.Minute
				r := calm(t, s)
				r.want(r.do("down on"), Done, "up was switched off first")
				later(time.Minute)
				start := time.Now()
				end(r)
				if d := time.Since(start); d != 500*time.Millisecond {
					t.Errorf("took %s, want the dead time", d)
				}
				synctest.Wait()
				wantHistory(t, r, "-up 0s, +down 500ms, -down 1m0.5s, +up 1m1s")
				if got := r.reported("up"); got.Load != "on" || strings.Contains(got.Detail, "interlock") {
					t.Errorf("report: %+v", got)
				}
			})
		})
	}
}

// A move towards safe ends what runs on another member.
func TestTowardsSafeEndsAnothersAction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := calm(t, with(OutputSpec{Safe: LoadOn}, OutputSpec{Longest: time.Hour}))
		pulse := r.send("down pulse 1h", Meta{Call: "p"})
		later(time.Minute)
		r.want(r.do("up on"), Done, "")
		r.want(<-pulse, Failed, "ended by call c1")
		wantHistory(t, r, "-up 0s, +down 500ms, -down 1m0s, +up 1m0.5s")
	})
}

func TestSafeGivesUpOnAMemberThatIsNotThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, with(OutputSpec{Safe: LoadOn}, OutputSpec{}))
		r.broken["down"], r.lines["up"].level = errFake, false
		r.open().run()
		start := time.Now()
		err := r.box.Safe(t.Context())
		if d := time.Since(start); d < breakLimit || d > 2*breakLimit {
			t.Errorf("gave up after %s", d)
		}
		if err == nil || !strings.Contains(err.Error(), "output up: interlock: down is not usable (fake trouble)") {
			t.Errorf("got %v, want the reason", err)
		}
		wantTrace(t, r.lines["up"], "")
	})
}

func TestSettlingObeysTheInterlock(t *testing.T) {
	bubble(t, func(t *testing.T) { // a cycle's way back, with the other member unknown
		r := newRig(t, motor)
		slow := r.makeSlow("down")
		slow.known = false
		r.open()
		r.box.Settle(t.Context(), []Unfinished{{"up", KindCycle, "c1", true}})
		r.run()
		later(time.Second)
		if slow.sets != 1 {
			t.Errorf("down was told %d times, want off once", slow.sets)
		}
		wantTrace(t, r.lines["up"], "+settle call c1")
	})
}

func TestTwoLoadsThatAreOnAtTheStartGoToSafe(t *testing.T) {
	for want, up := range map[string]OutputSpec{"-up 0s, -down 0s": {}, "-down 0s": {Safe: LoadOn}} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, with(up, OutputSpec{}))
			r.lines["up"].level, r.lines["down"].level = true, true
			r.open().run()
			later(time.Minute)
			wantHistory(t, r, want)
		})
	}
}

// A step of a composed call may follow at any time.
func TestAComposedCallMakesTheOthersBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := calm(t, motor)
		rack := r.box.grips.open(Command{Target: "rack", Verb: "on"}, Meta{Call: "g"})
		if busy := rack.take("up", false); busy != "" {
			t.Fatal(busy)
		}
		r.want(r.do("down on"), Refused, "busy: interlock with up: on of call g to rack")
		rack.free()
		r.want(r.do("down on"), Done, "")
	})
}

func TestWhoIsEndedDoesNotWaitForTheInterlock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, with(OutputSpec{Safe: LoadOn, Longest: time.Hour}, OutputSpec{}))
		slow := r.makeSlow("down")
		r.open().run()
		later(time.Second)
		cycle := r.send("up cycle 1h", Meta{})
		synctest.Wait()
		slow.set(func() { slow.gone, slow.fail = moved(false), func(int, bool) error { return moved(false) } })
		slow.news <- struct{}{}
		synctest.Wait()
		on := r.send("up on", Meta{})
		start := time.Now()
		r.want(<-cycle, Failed, "ended by call c2")
		if d := time.Since(start); d != 0 {
			t.Errorf("answered after %s", d)
		}
		later(time.Second)
		slow.set(func() { slow.gone, slow.fail = nil, nil })
		slow.news <- struct{}{}
		r.want(<-on, Done, "")
	})
}

// Off was sent in the middle of a cycle, and Safe found the line there already.
func TestOffThatNobodyProvedIsSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor)
		slow := r.makeSlow("up")
		r.open().run()
		r.do("up on")
		cycle := r.send("up cycle 1s", Meta{})
		later(100 * time.Millisecond)
		_ = r.box.Safe(t.Context())
		r.want(<-cycle, Failed, "ended by safe")
		r.want(r.do("down on"), Done, "")
		if slow.proves != 2 {
			t.Errorf("proved %d times, want on and off", slow.proves)
		}
	})
}

// Somebody pressed the button of a board.
func TestALoadThatCameOnByItselfGoesToSafe(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor)
		slow := r.makeSlow("up")
		r.open().run()
		r.do("down on")
		slow.set(func() { slow.level = true })
		slow.news <- struct{}{}
		later(time.Minute)
		if r.lines["up"].isActive() || r.lines["down"].isActive() {
			t.Errorf("up is %t, down is %t, want both off", r.lines["up"].isActive(), r.lines["down"].isActive())
		}
	})
}

// adopter is a line that nobody drove before.
type adopter struct {
	*fakeLine
	adopted bool
}

func (a adopter) Adopted() bool { return a.adopted }

func TestAtStartObeysTheInterlock(t *testing.T) {
	for _, test := range []struct {
		name         string
		up           OutputSpec
		adopted, was bool
		downWas      bool
		want         string
	}{
		{"at_start on comes after the dead time", OutputSpec{AtStart: "on"}, true, false, false, "+up 0s"},
		{"and breaks", OutputSpec{AtStart: "on"}, true, false, true, "-down 0s, +up 500ms"},
		{"what is on stays", OutputSpec{AtStart: "on"}, true, true, false, ""},
		{"a safe load that nobody drove", OutputSpec{Safe: LoadOn}, false, false, false, "+up 0s"},
		{"but an adopted one stays", OutputSpec{Safe: LoadOn}, true, false, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, with(test.up, OutputSpec{}))
				r.lines["up"].level, r.lines["down"].level = test.was, test.downWas
				start := time.Now()
				r.adopters = map[string]Line{"up": adopter{r.lines["up"], test.adopted}}
				r.open().run()
				later(time.Minute)
				wantHistory(t, r, test.want)
				if n := len(r.lines["up"].edges); n > 0 && r.lines["up"].edges[0].at.Sub(start) < 500*time.Millisecond {
					t.Error("up came inside the first dead time")
				}
				if s := r.asked["up"]; s.SafeLoad() != LoadOff || s.AtStart == "on" {
					t.Errorf("hardware was told %+v, want nothing that goes on", s)
				}
			})
		})
	}
}
