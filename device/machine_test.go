package device

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var nas = MachineSpec{Name: "nas", Power: "nas-btn", Reset: "nas-rst", LED: "led"}

// pc is a computer behind the buttons and the LED of a rig.
type pc struct {
	t     *testing.T
	led   *fakeInput
	mu    sync.Mutex
	on    bool
	takes time.Duration // a shutdown; 0: it ignores the button
	dead  bool          // it does nothing at all
	doze  chan bool     // not nil: it sleeps, until that says what the LED is then
	held  time.Time
	did   []string
}

func (p *pc) note(what string) { p.did = append(p.did, what) }

func (p *pc) light(on bool) {
	p.on = on
	go p.led.move(on)
}

// power is the power button's line.
func (p *pc) power(_ int, active bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if active {
		p.held = time.Now()
		p.note("press")
		return nil
	}
	width := time.Since(p.held)
	p.note(fmt.Sprint("release after ", width))
	switch {
	case p.dead:
	case width >= 4*time.Second && p.doze == nil:
		p.light(false)
	case p.doze != nil:
		p.wake(width < 4*time.Second)
	case !p.on:
		p.light(true)
	case p.takes > 0:
		time.AfterFunc(p.takes, func() { p.mu.Lock(); p.light(false); p.mu.Unlock() })
	}
	return nil
}

func (p *pc) wake(on bool) {
	if p.doze != nil {
		p.doze <- on // has room
		p.on, p.doze = on, nil
	}
}

func (p *pc) reset(_ int, active bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(map[bool]string{true: "reset", false: "reset released"}[active])
	return nil
}

// sleep makes the LED blink with 1 Hz.
func (p *pc) sleep() {
	over := make(chan bool, 1)
	p.doze = over
	go func() {
		for on := false; ; on = !on {
			p.led.move(on)
			select {
			case last := <-over:
				p.led.move(last)
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
}

func (p *pc) seen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.did, ", ")
}

// desk is a running box with a machine.
func desk(t *testing.T, s MachineSpec, on bool) (*rig, *pc) {
	r := newRig(t, Spec{
		Outputs:  []OutputSpec{{Name: "nas-btn"}, {Name: "nas-rst"}},
		Inputs:   []InputSpec{{Name: "led"}},
		Machines: []MachineSpec{s},
	})
	p := &pc{t: t, led: r.inputs["led"], on: on, takes: 20 * time.Second}
	p.led.active = on
	r.lines["nas-btn"].fail, r.lines["nas-rst"].fail = p.power, p.reset
	r.open().run()
	later(10 * time.Second)
	t.Cleanup(func() { p.mu.Lock(); p.wake(false); p.mu.Unlock() })
	return r, p
}

const (
	shortPress = "press, release after 200ms"
	longPress  = "press, release after 5.5s"
	resetPress = "reset, reset released"
)

// The verbs of a machine, for each thing that the LED can say (hardware.md 2.5).
func TestMachineVerbs(t *testing.T) {
	for _, test := range []struct {
		verb, seen string
		state      string
		detail     string
		did        string
		load       string
	}{
		{"status", "on", Done, "on", "", "on"},
		{"status", "off", Done, "off", "", "off"},
		{"status", "sleeping", Done, "sleeping", "", "unknown"},
		{"on", "on", Done, "it is on already", "", "on"},
		{"on", "off", Done, "", shortPress, "on"},
		{"on", "sleeping", Done, "", shortPress, "on"},
		{"off", "on", Done, "", shortPress, "off"},
		{"off", "off", Done, "it is off already", "", "off"},
		{"off", "sleeping", Refused, "it sleeps, the LED blinks: a press would wake it; on wakes it, force-off cuts it off", "", "unknown"},
		{"force-off", "on", Done, "", longPress, "off"},
		{"force-off", "off", Done, "it is off already", "", "off"},
		{"force-off", "sleeping", Done, "", longPress, "off"},
		{"reset", "on", Done, "", resetPress, "on"},
		{"reset", "off", Refused, "it is off, so there is nothing to reset: say on", "", "off"},
		{"reset", "sleeping", Refused, "it sleeps", "", "unknown"},
		{"reboot", "on", Done, "", resetPress, "on"},
		{"reboot", "off", Done, "", shortPress, "on"},
		{"reboot", "sleeping", Refused, "it sleeps", "", "unknown"},
	} {
		bubble(t, func(t *testing.T) {
			r, p := desk(t, nas, test.seen == "on")
			if test.seen == "sleeping" {
				p.sleep()
				later(10 * time.Second)
			}
			ans := r.do("nas " + test.verb)
			if ans.State != test.state || !strings.HasPrefix(ans.Detail, test.detail) || p.seen() != test.did || ans.Load != test.load {
				t.Errorf("%s while %s: got %s %q, load %s, did %q; want %+v", test.verb, test.seen, ans.State, ans.Detail, ans.Load, p.seen(), test)
			}
			if ans.Proof != "sensed" {
				t.Errorf("%s while %s: proof %s", test.verb, test.seen, ans.Proof)
			}
			if edges := strings.Count(test.did, ",") * 2; len(ans.Edges) != edges {
				t.Errorf("%s while %s: edges %+v", test.verb, test.seen, ans.Edges)
			}
			if r.lines["nas-btn"].isActive() || r.lines["nas-rst"].isActive() {
				t.Errorf("%s while %s: a button is pressed", test.verb, test.seen)
			}
		})
	}
}

// Each verb is checked against the LED within its limit.
func TestMachineThatDoesNotObey(t *testing.T) {
	for _, test := range []struct {
		verb   string
		on     bool
		after  time.Duration
		detail string
	}{
		{"on", false, 30*time.Second + 200*time.Millisecond, "off and not on 30s after the press: the button was pressed and nothing came of it"},
		{"off", true, time.Minute + 200*time.Millisecond, "on and not off 1m after the press: it was asked to shut down"},
		{"force-off", true, 15500 * time.Millisecond, "on and not off 10s after the press: a long press did not help"},
	} {
		bubble(t, func(t *testing.T) {
			r, p := desk(t, nas, test.on)
			p.dead = true
			start := time.Now()
			ans := r.want(r.do("nas "+test.verb), Failed, test.detail)
			if took := time.Since(start); took != test.after || ans.TookMS != took.Milliseconds() {
				t.Errorf("%s took %s, says %d ms, want %s", test.verb, took, ans.TookMS, test.after)
			}
			if test.verb == "off" && !strings.Contains(ans.Detail, "force-off is there") {
				t.Errorf("off: %q does not say what helps", ans.Detail)
			}
		})
	}
	bubble(t, func(t *testing.T) { // it goes to sleep in place of off
		r, p := desk(t, nas, true)
		p.takes = 0
		off := r.send("nas off", Meta{})
		later(5 * time.Second)
		p.sleep()
		r.want(<-off, Failed, "sleeping and not off 1m after the press")
	})
	bubble(t, func(t *testing.T) { // it shuts down a moment before the limit: that counts
		r, p := desk(t, nas, true)
		p.takes = 59 * time.Second
		r.want(r.do("nas off"), Done, "")
	})
	bubble(t, func(t *testing.T) { // the limits of the spec
		s := nas
		s.OnWithin, s.Press = 5*time.Second, time.Second
		r, p := desk(t, s, false)
		p.dead = true
		start := time.Now()
		r.want(r.do("nas on"), Failed, "off and not on 5s after the press")
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("took %s, want 6s", took)
		}
	})
}

// Without a LED what is a toggle is refused, and the rest says that nobody saw.
func TestMachineWithoutLED(t *testing.T) {
	for verb, want := range map[string][3]string{
		"status":    {Unknown, "it has no LED, so nobody can tell", ""},
		"on":        {Refused, "it has no LED, so nobody can tell on from off, and one button does both: say nas-btn pulse 200ms to press it", ""},
		"off":       {Refused, "it has no LED, so nobody can tell on from off", ""},
		"reboot":    {Refused, "it has no LED, so nobody can tell on from off", ""},
		"force-off": {Done, "nas-btn was pressed; without a LED nobody saw what came of it", longPress},
		"reset":     {Done, "nas-rst was pressed; without a LED nobody saw", resetPress},
	} {
		bubble(t, func(t *testing.T) {
			s := nas
			s.LED = ""
			r, p := desk(t, s, true)
			ans := r.want(r.do("nas "+verb), want[0], want[1])
			if p.seen() != want[2] || ans.Load != "unknown" || ans.Proof == "sensed" {
				t.Errorf("%s: did %q, answer %+v", verb, p.seen(), ans)
			}
		})
	}
	bubble(t, func(t *testing.T) {
		s := nas
		s.Reset = ""
		r, p := desk(t, s, true)
		r.want(r.do("nas reset"), Refused, "it has no reset button: say off, then on")
		r.want(r.do("nas reboot"), Refused, "it has no reset button")
		if p.seen() != "" {
			t.Errorf("did %q", p.seen())
		}
	})
}

// One verb at a time; meanwhile nobody else presses the buttons.
func TestMachineIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, p := desk(t, nas, true)
		off := r.send("nas off", Meta{})
		later(time.Second)
		for _, text := range []string{"nas on", "nas force-off", "nas-btn pulse", "nas-rst pulse", "nas-btn on"} {
			r.want(r.do(text), Refused, "busy: off of call c1 to nas")
		}
		r.want(r.do("nas status"), Done, "on")
		if s := r.reported("nas"); s.Detail != "off of call c1" || s.Kind != "machine" || s.Load != "on" {
			t.Errorf("report: %+v", s)
		}
		r.want(<-off, Done, "")
		if p.seen() != shortPress {
			t.Errorf("did %q", p.seen())
		}
		if s := r.reported("nas"); s.Detail != "" || s.Load != "off" || s.Proof != "sensed" {
			t.Errorf("report: %+v", s)
		}
		r.want(r.do("nas-btn pulse"), Done, "")
	})
}

// The button is released in every path, and no call waits for ever.
func TestMachineReleasesTheButton(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(r *rig, cancel context.CancelFunc)
		detail string
	}{
		"cancel": {func(_ *rig, cancel context.CancelFunc) { cancel() }, ""}, // a started press goes on
		"stop":   {func(r *rig, _ context.CancelFunc) { _ = r.stop() }, "nas-btn: ended by stop"},
		"power":  {func(r *rig, _ context.CancelFunc) { r.box.PowerFail(r.t.Context(), true) }, "nas-btn: power"},
		"safe":   {func(r *rig, _ context.CancelFunc) { _ = r.box.Safe(r.t.Context()) }, "nas-btn: ended by safe"},
		"off":    {func(r *rig, _ context.CancelFunc) { r.want(r.do("nas-btn off"), Done, "") }, "nas-btn: ended by call c1"},
		"error": {func(r *rig, _ context.CancelFunc) {
			press := r.lines["nas-btn"].fail
			r.lines["nas-btn"].set(func() {
				r.lines["nas-btn"].fail = func(n int, active bool) error {
					if n == 2 {
						return errFake
					}
					return press(n, active)
				}
			})
		}, "nas-btn: the edge back failed, trying until it succeeds"},
	} {
		bubble(t, func(t *testing.T) {
			r, _ := desk(t, nas, true)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answer := make(chan Answer, 1)
			go func() { answer <- r.box.Do(ctx, r.command("nas force-off"), Meta{Call: "m1"}) }()
			later(time.Second)
			if !r.lines["nas-btn"].isActive() {
				t.Fatalf("%s: the button is not pressed", name)
			}
			test.end(r, cancel)
			later(time.Minute)
			if r.lines["nas-btn"].isActive() {
				t.Errorf("%s: the button is still pressed", name)
			}
			select {
			case ans := <-answer:
				if want := map[bool]string{true: Done, false: Failed}[test.detail == ""]; ans.State != want || !strings.HasPrefix(ans.Detail, test.detail) {
					t.Errorf("%s: got %s %q, want %s %q", name, ans.State, ans.Detail, want, test.detail)
				}
			default:
				t.Errorf("%s: no answer", name)
			}
		})
	}
}

// While it waits for the LED, the same ends it; the press is told.
func TestWhatEndsAMachinesWait(t *testing.T) {
	for want, end := range map[string]func(r *rig){
		"nas-btn was pressed and released; ended by stop":    func(r *rig) { _ = r.stop() },
		"nas-btn was pressed and released; power":            func(r *rig) { r.box.PowerFail(r.t.Context(), true) },
		"nas-btn was pressed and released; ended by call c2": func(r *rig) { r.do("nas-btn off") },
	} {
		bubble(t, func(t *testing.T) {
			r, p := desk(t, nas, true)
			p.dead = true
			off := r.send("nas off", Meta{})
			later(5 * time.Second)
			end(r)
			synctest.Wait()
			select {
			case ans := <-off:
				r.want(ans, Failed, want)
			default:
				t.Errorf("%s: no answer", want)
			}
		})
	}
}

// The press is journaled before it, as a pulse: a kill is settled like one.
func TestMachineBeginsThePress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, p := desk(t, nas, true)
		var begun []string
		ans := <-r.send("nas force-off", Meta{Begin: func(_ context.Context, a Action) error {
			begun = append(begun, fmt.Sprint(a.Target, " ", a.Kind, " ", a.Width, " ", p.seen() == ""))
			return nil
		}})
		r.want(ans, Done, "")
		if fmt.Sprint(begun) != "[nas-btn pulse 5.5s true]" {
			t.Errorf("begun %q", begun)
		}
		ans = <-r.send("nas on", Meta{Begin: func(context.Context, Action) error { return errors.New("no room") }})
		r.want(ans, Refused, "nas-btn: no room")
		ans = <-r.send("nas on", Meta{Fresh: func() error { return errors.New("too late") }})
		r.want(ans, Expired, "nas-btn: too late")
		if p.seen() != longPress {
			t.Errorf("did %q", p.seen())
		}
	})
}

// A LED that cannot be read refuses what depends on it.
func TestMachineWithABrokenLED(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, p := desk(t, nas, true)
		p.led.mu.Lock()
		p.led.err = errFake
		p.led.mu.Unlock()
		for _, verb := range []string{"on", "off", "force-off", "reset", "reboot"} {
			r.want(r.do("nas "+verb), Refused, "its LED led: the line could not be read: fake trouble")
		}
		r.want(r.do("nas status"), Failed, "its LED led: the line could not be read")
		if p.seen() != "" {
			t.Errorf("did %q", p.seen())
		}
	})
}

// A LED that changed without an edge is seen when it is looked at.
func TestMachineSeesALostEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, p := desk(t, nas, true)
		p.led.mu.Lock()
		p.led.active = false
		p.led.mu.Unlock()
		start := time.Now()
		r.want(r.do("nas off"), Done, "it is off already")
		if took := time.Since(start); took != steadyFor {
			t.Errorf("took %s, want %s to see that it is steady", took, steadyFor)
		}
	})
}

func TestMachineWithoutAPartIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for s, want := range map[MachineSpec]string{
			{Name: "nas", Power: "gone"}:                                   "its power button gone is not served",
			{Name: "nas", Power: "nas-btn", Reset: "gone"}:                 "its reset button gone is not served",
			{Name: "nas", Power: "nas-btn", Reset: "nas-rst", LED: "gone"}: "its LED gone is not served",
		} {
			r, p := desk(t, s, true)
			r.want(r.do("nas on"), Refused, "not usable: "+want)
			r.want(r.do("nas status"), Refused, "not usable: "+want)
			if got := r.reported("nas").Detail; got != "not usable: "+want || p.seen() != "" {
				t.Errorf("report %q, did %q", got, p.seen())
			}
			_ = r.stop()
		}
	})
}

func TestMachineWords(t *testing.T) {
	for text, want := range map[string]string{
		"nas toggle": "there is no toggle", "nas on 5m": "on takes no argument", "nas off now": "off takes no argument", "nas read": `unknown verb "read": nas, a machine, knows status, on`, "nas o": "unknown verb", "nas status, on": "unknown verb",
	} {
		c, _ := ParseCommand(text)
		spec := Spec{Machines: []MachineSpec{nas}}
		if err := spec.Check(c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// A slow blink is a blink too; a light that flickered and is steady is steady.
func TestLight(t *testing.T) {
	for name, test := range map[string]struct {
		changes []time.Duration // before now, oldest first; then every last one
		every   time.Duration
		want    light
		within  time.Duration
	}{
		"steady":             {[]time.Duration{time.Minute}, 0, lightOn, 0},
		"just now":           {[]time.Duration{time.Second}, 0, lightOn, 2 * time.Second},
		"flickered":          {[]time.Duration{3 * time.Second, 2 * time.Second, time.Second}, 0, lightOn, 2 * time.Second},
		"1 Hz":               {[]time.Duration{time.Second, 500 * time.Millisecond, 100 * time.Millisecond}, 500 * time.Millisecond, lightDoze, 3 * time.Second},
		"a slow blink":       {[]time.Duration{5 * time.Second, 2500 * time.Millisecond}, 2500 * time.Millisecond, lightDoze, 6 * time.Second},
		"slower than steady": {[]time.Duration{4 * time.Second}, 5 * time.Second, lightOn, 0},
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Spec{Inputs: []InputSpec{{Name: "led"}}}).open()
			in, led := r.box.inputs[0], r.inputs["led"]
			on := len(test.changes)%2 == 0 // so that it ends on
			stop := make(chan struct{})
			led.active = on
			_ = in.ask()
			later(time.Hour)
			last := time.Hour
			for i, ago := range test.changes {
				if i > 0 {
					later(last - ago)
				}
				on, last = !on, ago
				led.move(on)
			}
			go func() {
				for test.every > 0 {
					select {
					case <-stop:
						return
					case <-time.After(test.every):
					}
					on = !on
					led.move(on)
				}
			}()
			later(last)
			start := time.Now()
			got, err := in.watch(t.Context(), nil)
			if took := time.Since(start); err != nil || got != test.want || took > test.within {
				t.Errorf("%s: got %s after %s (%v), want %s within %s", name, got, took, err, test.want, test.within)
			}
			close(stop)
		})
	}
}

// A LED that blinks all night is not a report all night; where it ends is told.
func TestBlinkingIsToldNowAndThen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Inputs: []InputSpec{{Name: "led"}}}).open()
		var told atomic.Int64
		over := make(chan struct{})
		var counting sync.WaitGroup
		counting.Go(func() {
			for {
				select {
				case <-r.box.Changed():
					told.Add(1)
				case <-over:
					return
				}
			}
		})
		for range 3600 {
			r.inputs["led"].move(true)
			later(500 * time.Millisecond)
			r.inputs["led"].move(false)
			later(500 * time.Millisecond)
		}
		if n := told.Load(); n < 100 || n > 150 {
			t.Errorf("told %d times in an hour of blinking, want about 130", n)
		}
		r.inputs["led"].move(true)
		before := told.Load()
		later(flutterEvery)
		if told.Load() == before {
			t.Error("not told where it ended")
		}
		later(time.Minute)
		before = told.Load()
		r.inputs["led"].move(false)
		synctest.Wait()
		if told.Load() != before+1 {
			t.Error("a steady input that changes is not told of at once")
		}
		close(over)
		counting.Wait()
	})
}
