package device

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// witnessed is an output whose load an input shows, some time after the edge.
type witnessed struct {
	*rig
	line *fakeLine
	led  *fakeInput
	lamp *lamp
}

// lamp carries the load to the input: after is how long that takes, broken
// that it does not.
type lamp struct {
	*fakeLine
	spec   OutputSpec
	led    *fakeInput
	after  time.Duration
	broken bool
}

func (l *lamp) Set(active bool, why string) (string, error) {
	before := l.isActive()
	proof, err := l.fakeLine.Set(active, why)
	if err == nil && before != active && !l.broken {
		time.AfterFunc(l.after, func() { l.led.move(l.spec.LoadFor(active) == LoadOn) })
	}
	return proof, err
}

func confirmed(t *testing.T, s OutputSpec, debounce time.Duration) witnessed {
	s.Confirm, s.Longest = "led", time.Hour
	r := newRig(t, Spec{Outputs: []OutputSpec{s}, Inputs: []InputSpec{{Name: "led", Debounce: debounce}}})
	l := &lamp{fakeLine: r.lines[s.Name], spec: s, led: r.inputs["led"], after: 100 * time.Millisecond}
	l.led.active = s.LoadFor(l.level) == LoadOn
	r.adopters = map[string]Line{s.Name: l}
	r.open().run()
	return witnessed{r, l.fakeLine, l.led, l}
}

func TestConfirmedActionsAreSensed(t *testing.T) {
	for _, s := range []OutputSpec{pump, router, {Name: "nc", Contact: ContactNC, Safe: LoadOff}} {
		for _, debounce := range []time.Duration{0, 50 * time.Millisecond, 300 * time.Millisecond} {
			bubble(t, func(t *testing.T) {
				r := confirmed(t, s, debounce)
				r.lamp.after += debounce
				for _, verb := range []string{"on", "cycle 10s", "off", "on 1m", "off", "pulse 10s", "on"} {
					ans := r.want(r.do(s.Name+" "+verb), Done, "")
					moved := len(ans.Edges) > 0
					if (ans.Proof == "sensed") != moved && ans.Detail == "" && !strings.Contains(ans.Detail, "already") {
						t.Errorf("%s %s, debounce %s: got %+v, want it sensed", s.Name, verb, debounce, ans)
					}
				}
				if got := r.reported(s.Name); got.Proof != "sensed" {
					t.Errorf("report: %+v, want it sensed", got)
				}
			})
		}
	}
}

// hardware.md 6.3, "ON shown but nothing happened".
func TestALoadThatDoesNotFollowFails(t *testing.T) {
	for text, want := range map[string]struct{ detail, edges string }{
		"pump on":        {"the relay moved, but led does not show the load on within 2s: look at the load", "+call c1"},
		"pump on 5m":     {"the relay moved, but led does not show the load on within 2s: look at the load", "+call c1"},
		"pump pulse 10s": {"the relay moved, but led does not show the load on within 2s: look at the load", "+call c1, -call c1"},
	} {
		bubble(t, func(t *testing.T) {
			r := confirmed(t, pump, 0)
			r.lamp.broken = true
			ans := r.want(r.do(text), Failed, want.detail)
			wantTrace(t, r.line, want.edges)
			if ans.Proof == "sensed" || len(ans.Edges) != len(r.line.edges) || ans.Active != r.line.isActive() {
				t.Errorf("got %+v, want the edges and the line's proof", ans)
			}
			if got := r.reported("pump"); !strings.HasPrefix(got.Detail, "the relay moved") && !strings.HasPrefix(got.Detail, "lease") {
				t.Errorf("report: %+v, want the doubt", got)
			}
			r.lamp.broken = false
			r.want(r.do("pump off"), Done, "")
			r.want(r.do("pump on"), Done, "")
			if got := r.reported("pump"); got.Detail != "" {
				t.Errorf("report: %+v, want no doubt", got)
			}
		})
	}
}

func TestConfirmHasItsOwnLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := pump
		s.ConfirmWithin = 30 * time.Second
		r := confirmed(t, s, 0)
		r.lamp.after = 20 * time.Second
		if ans := r.want(r.do("pump on"), Done, ""); ans.Proof != "sensed" || ans.TookMS != 20000 {
			t.Errorf("got %+v, want it sensed after 20s", ans)
		}
		r.lamp.after = 40 * time.Second
		if ans := r.want(r.do("pump off"), Failed, "the relay moved, but led does not show the load off within 30s"); ans.TookMS != 30000 {
			t.Errorf("got %+v, want it failed after 30s", ans)
		}
	})
}

// A level that is not steady for its debounce yet is that of before the edge.
func TestConfirmDoesNotTakeAnOldLevel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, time.Second)
		r.lamp.after = 1100 * time.Millisecond
		r.do("pump on")
		r.lamp.broken = true // so short an off is lost in the debounce
		ans := r.want(r.do("pump cycle 200ms"), Done, "led did not confirm it: it did not show the load off in between")
		if ans.Proof != "readback" || ans.TookMS != 1200 {
			t.Errorf("got %+v, want the line's proof, after the debounce", ans)
		}
	})
	bubble(t, func(t *testing.T) { // welded: the load never went off
		r := confirmed(t, pump, 0)
		r.do("pump on")
		r.lamp.broken = true
		r.want(r.do("pump cycle 10s"), Failed, "the relay moved, but led does not show the load off within 2s: look at the load")
	})
}

func TestConfirmByAnInputThatCannotBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, 0)
		r.lamp.broken, r.led.err = true, errFake
		if ans := r.want(r.do("pump on"), Done, "led did not confirm it: the line could not be read: fake trouble"); ans.Proof != "readback" || ans.TookMS != 0 {
			t.Errorf("got %+v, want the line's proof at once", ans)
		}
	})
	bubble(t, func(t *testing.T) {
		s := pump
		s.Confirm = "led"
		r := newRig(t, Spec{Outputs: []OutputSpec{s}, Inputs: []InputSpec{{Name: "led"}}})
		r.broken["led"] = errFake
		r.open().run()
		r.want(r.do("pump on"), Done, "led did not confirm it: not usable: fake trouble")
	})
}

// Somebody else reads the input while its level may still be the old one.
func TestAReadInBetweenConfirmsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, time.Second)
		r.lamp.broken, r.led.active = true, true
		on := r.send("pump on", Meta{})
		later(300 * time.Millisecond)
		r.want(r.do("led read"), Done, "")
		if ans := <-on; ans.TookMS != 1000 {
			t.Errorf("got %+v, want it to wait for the debounce", ans)
		}
	})
}

func TestAMoveTowardsSafeIsBusyUntilItIsConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, 0)
		r.do("pump on")
		off := r.send("pump off", Meta{})
		synctest.Wait()
		r.want(r.do("pump pulse"), Refused, "busy: steady of call c2")
		if ans := r.want(<-off, Done, ""); ans.Proof != "sensed" {
			t.Errorf("got %+v, want it sensed", ans)
		}
	})
}

// Nobody waits for an input while more is at stake.
func TestWhatEndsTheWaitForTheInput(t *testing.T) {
	for name, end := range map[string]func(r witnessed){
		"power":            func(r witnessed) { r.box.PowerFail(r.t.Context(), true) },
		"ended by safe":    func(r witnessed) { _ = r.box.Safe(r.t.Context()) },
		"ended by stop":    func(r witnessed) { _ = r.stop() },
		"ended by call c3": func(r witnessed) { r.do("pump off") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := confirmed(t, pump, 0)
				r.lamp.broken = true
				on := r.send("pump on", Meta{})
				later(time.Second)
				r.want(r.do("pump pulse"), Refused, "busy: steady of call c1")
				start := time.Now()
				go end(r)
				if ans := r.want(<-on, Done, "led did not confirm it: "+name); len(ans.Edges) != 1 || ans.Proof != "readback" {
					t.Errorf("got %+v, want the line's proof", ans)
				}
				if d := time.Since(start); d != 0 {
					t.Errorf("answered after %s", d)
				}
				later(time.Minute)
			})
		})
	}
}

func TestReadTellsBoth(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, 0)
		if ans := r.want(r.do("pump read"), Done, "led shows it too"); ans.Proof != "sensed" {
			t.Errorf("got %+v, want it sensed", ans)
		}
		r.led.move(true)
		if ans := r.want(r.do("pump read"), Done, "but led shows the load on: look at it"); ans.Load != "off" || ans.Proof != "readback" {
			t.Errorf("got %+v, want both", ans)
		}
		synctest.Wait()
		if got := r.reported("pump").Detail; got != "led shows the load on: look at it" {
			t.Errorf("report says %q", got)
		}
		r.led.err = errFake
		r.want(r.do("pump read"), Done, "led did not confirm it: the line could not be read")
	})
}

// A simulated line, or input, senses nothing.
func TestSimulationIsNotSensed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := confirmed(t, pump, 0)
		r.line.proof = "sim"
		if ans := r.want(r.do("pump on"), Done, ""); ans.Proof != "sim" {
			t.Errorf("got %+v, want it simulated", ans)
		}
	})
}
