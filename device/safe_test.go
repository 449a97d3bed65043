package device

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOtherCallsToABusyTargetAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{siren, pump}}).open().run()
		pulse := r.send("siren pulse 10s", Meta{})
		synctest.Wait()
		for _, text := range []string{"siren on", "siren pulse", "siren on 5s", "siren read"} {
			r.want(r.do(text), Refused, "busy: pulse of call c1")
		}
		r.want(r.do("pump on"), Done, "") // another target is not busy
		r.want(<-pulse, Done, "")
		wantTrace(t, r.lines["siren"], "+call c1, -call c1")
	})
}

func TestBusyWhileReserved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		disk := make(chan struct{})
		first := r.send("pump on", Meta{Begin: func(context.Context, Action) error { <-disk; return nil }})
		synctest.Wait()
		r.want(r.do("pump on"), Refused, "busy: steady of call c1")
		wantTrace(t, line, "")
		close(disk)
		r.want(<-first, Done, "")
	})
}

// A move towards safe is never refused: each of these refuses everything else.
func TestAMoveTowardsSafeIsNeverRefused(t *testing.T) {
	noJournal := Meta{Call: "x", Begin: func(context.Context, Action) error { return errors.New("no journal") }}
	for name, prepare := range map[string]func(r *rig){
		"busy":      func(r *rig) { r.send("pump pulse 10s", Meta{}); synctest.Wait() },
		"dwell":     func(r *rig) { r.do("pump on") },
		"rate":      func(r *rig) { r.do("pump on"); r.do("pump off"); later(20 * time.Minute); r.do("pump on") },
		"lease":     func(r *rig) { r.do("pump on 1h") },
		"powerfail": func(r *rig) { r.do("pump on"); r.box.PowerFail(r.t.Context(), true) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, line := one(t, OutputSpec{Name: "pump", MinDwell: 5 * time.Minute, MaxPerHour: 3, PowerFail: "hold"})
				prepare(r)
				if name != "lease" {
					if ans := r.do("pump pulse"); ans.State != Refused {
						t.Errorf("pulse: got %+v, want it refused", ans)
					}
				}
				ans := r.want(<-r.send("pump off", noJournal), Done, "")
				if ans.Load != "off" || len(ans.Edges) != 1 || line.isActive() {
					t.Errorf("off: got %+v, want one edge to off", ans)
				}
			})
		})
	}
}

func TestAnythingElseIsRefusedWithoutJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		noJournal := Meta{Begin: func(context.Context, Action) error { return errors.New("busy: no journal") }}
		r.want(<-r.send("pump on", noJournal), Refused, "busy: no journal")
		r.want(<-r.send("pump pulse", noJournal), Refused, "busy: no journal")
		wantTrace(t, line, "")
		r.want(r.do("pump on"), Done, "") // not busy for ever
	})
}

func TestAMoveTowardsSafeWaitsForNoDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, pump)
		r.do("pump on")
		disk := make(chan struct{})
		off := r.send("pump off", Meta{Begin: func(context.Context, Action) error { <-disk; return nil }})
		later(journalLimit)
		wantTrace(t, line, "+call c1, -call c2")
		close(disk)
		r.want(<-off, Done, "")
	})
}

// preempted runs text, has c9 end it when ready says so, and checks both.
func preempted(t *testing.T, spec OutputSpec, text, safe string, m Meta, ready func(r *rig), edges []Edge) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{spec}}).open().run()
		m.Call = "c1"
		first := r.send(spec.Name+" "+text, m)
		synctest.Wait()
		ready(r)
		r.want(<-r.send(spec.Name+" "+safe, Meta{Call: "c9"}), Done, "")
		got := r.want(<-first, Failed, "ended by call c9")
		if !slices.Equal(got.Edges, edges) {
			t.Errorf("edges of the ended call: got %v, want %v", got.Edges, edges)
		}
		later(time.Hour)
		if line := r.lines[spec.Name]; line.isActive() != spec.SafeActive() || line.sets > 2 {
			t.Errorf("line active %t after %d sets, want it at safe and left alone", line.isActive(), line.sets)
		}
		r.want(r.do(spec.Name+" pulse"), Done, "")
	})
}

func TestPreemptedWhileActive(t *testing.T) {
	preempted(t, siren, "pulse 10m", "off", Meta{}, func(*rig) { later(3 * time.Second) }, []Edge{{true, 0}, {false, 3000}})
}

func TestPreemptedWhileWaiting(t *testing.T) {
	preempted(t, router, "cycle 30s", "on", Meta{}, func(*rig) { later(2 * time.Second) }, []Edge{{true, 0}, {false, 2000}})
}

func TestPreemptedInBegin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		disk := make(chan struct{})
		first := r.send("siren pulse 1m", Meta{Begin: func(context.Context, Action) error { <-disk; return nil }})
		synctest.Wait()
		r.want(<-r.send("siren off", Meta{Begin: func(context.Context, Action) error { return nil }}), Done, "")
		close(disk)
		r.want(<-first, Failed, "ended by call c2")
		later(time.Hour)
		wantTrace(t, line, "")
		r.want(r.do("siren pulse"), Done, "")
	})
}

func TestPreemptedInTheFirstEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{siren}})
		line, gate := r.lines["siren"], make(chan struct{})
		line.block = gate
		r.open().run()
		first := r.send("siren pulse 1m", Meta{})
		synctest.Wait()
		off := r.send("siren off", Meta{})
		synctest.Wait()
		r.want(r.do("siren on"), Refused, "busy: ") // the owner is not blocked
		close(gate)
		r.want(<-off, Done, "")
		r.want(<-first, Failed, "ended by call c2")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -call c2")
	})
}

func TestPulseAndCycleAreNotTowardsSafe(t *testing.T) {
	for _, text := range []string{"router pulse", "router cycle", "router off", "valve pulse", "valve off", "pump on", "pump on 5s"} {
		spec := map[byte]OutputSpec{'r': router, 'v': valve, 'p': pump}[text[0]]
		c, _ := ParseCommand(text)
		if a, err := spec.action(c); err != nil || a.TowardsSafe {
			t.Errorf("%s: got towards safe %t, %v", text, a.TowardsSafe, err)
		}
	}
	for _, text := range []string{"router on", "valve on", "valve on 5s", "pump off"} {
		spec := map[byte]OutputSpec{'r': router, 'v': valve, 'p': pump}[text[0]]
		c, _ := ParseCommand(text)
		if a, err := spec.action(c); err != nil || !a.TowardsSafe {
			t.Errorf("%s: got towards safe %t, %v", text, a.TowardsSafe, err)
		}
	}
}

func TestTooLateMovesNothing(t *testing.T) {
	late := Meta{Fresh: func() error { return errors.New("expired: too old") }}
	for _, text := range []string{"pump on", "pump pulse", "pump on 5s"} {
		bubble(t, func(t *testing.T) {
			r, line := one(t, pump)
			r.want(<-r.send(text, late), Expired, "expired: too old")
			wantTrace(t, line, "")
			synctest.Wait()
			if len(r.leases())%2 != 0 {
				t.Errorf("journal has an open lease: %v", r.leases())
			}
			r.want(r.do("pump on"), Done, "")
			r.want(<-r.send("pump off", late), Expired, "expired: too old")
			if !line.isActive() {
				t.Error("an expired off moved the line")
			}
		})
	}
}

func TestFreshIsAskedAfterBegin(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, pump)
		var asked []string
		r.want(<-r.send("pump on", Meta{
			Begin: func(_ context.Context, a Action) error { asked = append(asked, "begin "+a.Kind); return nil },
			Fresh: func() error { asked = append(asked, "fresh"); return nil },
		}), Done, "")
		if got := strings.Join(asked, ", "); got != "begin steady, fresh" {
			t.Errorf("asked %s, want begin, then fresh", got)
		}
	})
}

func TestActionThatBeginIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, router)
		var got Action
		r.want(<-r.send("router cycle 2s", Meta{Begin: func(_ context.Context, a Action) error { got = a; return nil }}), Done, "")
		if want := (Action{Target: "router", Verb: "cycle", Kind: KindCycle, Width: 2 * time.Second}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestAnEndedContextNeverStopsAStartedAction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan Answer, 1)
		go func() { answer <- r.box.Do(ctx, r.command("siren pulse 5s"), Meta{Call: "c1"}) }()
		later(time.Second)
		cancel()
		r.want(<-answer, Done, "")
		wantTrace(t, line, "+call c1, -call c1")
		if got := line.between(0, 1); got != 5*time.Second {
			t.Errorf("pulse of %s, want 5s", got)
		}
		for range 20 {
			r.want(r.box.Do(ctx, r.command("siren pulse 5s"), Meta{Call: "c2"}), Failed, "not started: ")
		}
	})
}

func TestAReservationThatWasPreemptedMovesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, siren)
		disk, safeDisk := make(chan struct{}), make(chan struct{})
		pulse := r.send("siren pulse 1m", Meta{Begin: func(context.Context, Action) error { <-disk; return nil }})
		synctest.Wait()
		off := r.send("siren off 5s", Meta{})
		r.want(<-off, Refused, "off takes no argument") // a refused off ends nothing
		line.set(func() { line.level = true })          // so that off has something to do
		r.box.outputs[0].inbox <- func() { r.box.outputs[0].active = true }
		off = r.send("siren off", Meta{Begin: func(context.Context, Action) error { <-safeDisk; return nil }})
		synctest.Wait()
		close(disk) // the pulse is journaled first, but off was asked for meanwhile
		r.want(<-pulse, Failed, "ended by call c3")
		r.want(r.do("siren pulse"), Refused, "busy: a move towards safe is under way")
		close(safeDisk)
		r.want(<-off, Done, "")
		wantTrace(t, line, "-call c3")
	})
}

func TestAContextThatEndsInBeginDoesNotStopTheAction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, pump)
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			begin := func(context.Context, Action) error { cancel(); return nil }
			r.want(r.box.Do(ctx, r.command("pump pulse"), Meta{Call: "c1", Begin: begin}), Done, "")
		}
	})
}
