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

// timedLine is a fakeLine whose hardware times edges: it may keep them longer,
// lose the way back, and it can be asked only by its own Active.
type timedLine struct {
	*fakeLine
	can   bool
	late  time.Duration
	stuck bool
	timer *time.Timer
	timed []string
	err   error // of Timed
}

func (l *timedLine) CanTime(bool, time.Duration) bool { return l.can }

func (l *timedLine) Set(active bool, why string) (string, error) {
	l.mu.Lock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	return l.fakeLine.Set(active, why)
}

func (l *timedLine) Timed(active bool, width time.Duration, why string) (time.Duration, string, error) {
	if l.err != nil {
		return 0, "", l.err
	}
	proof, err := l.fakeLine.Set(active, why)
	kept := width + l.late
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timed = append(l.timed, fmt.Sprint(active, " ", width))
	if !l.stuck {
		l.timer = time.AfterFunc(kept, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.level == active {
				l.level = !active
				l.edges = append(l.edges, fakeEdge{!active, "timer", time.Now()})
			}
		})
	}
	return kept, proof, err
}

func timing(t *testing.T, s OutputSpec) (*rig, *timedLine) {
	r := newRig(t, Spec{Outputs: []OutputSpec{s}})
	l := &timedLine{fakeLine: r.lines[s.Name], can: true}
	r.adopters = map[string]Line{s.Name: l}
	return r.open().run(), l
}

// hardware.md 0, fact 2: the load comes back even if the agent dies.
func TestTheBoardTimesWhatItCan(t *testing.T) {
	for _, test := range []struct {
		spec         OutputSpec
		text         string
		late         time.Duration
		timed, trace string
		detail       string
	}{
		{siren, "siren pulse 10s", 0, "true 10s", "+call c1, -timer", ""},
		{router, "router cycle 10s", 50 * time.Millisecond, "true 10s", "+call c1, -timer", ""},
		{router, "router cycle 10s", 900 * time.Millisecond, "true 10s", "+call c1, -timer", "the board's own timer kept it for 10.9s"},
		{OutputSpec{Name: "up", Safe: LoadOn}, "up cycle 10s", 0, "false 10s", "-call c1, +timer", ""},
	} {
		bubble(t, func(t *testing.T) {
			r, line := timing(t, test.spec)
			line.late = test.late
			ans := r.want(r.do(test.text), Done, test.detail)
			wantTrace(t, line.fakeLine, test.trace)
			if got := strings.Join(line.timed, ", "); got != test.timed {
				t.Errorf("timed %q, want %q", got, test.timed)
			}
			if len(ans.Edges) != 2 || ans.Edges[1].AtMS != (10*time.Second+test.late).Milliseconds() || ans.Detail != test.detail {
				t.Errorf("got %+v, want the edge back when the board made it, detail %q", ans, test.detail)
			}
			if line.sets != 1 {
				t.Errorf("set %d times, want no plain Set", line.sets)
			}
			r.want(r.do(test.text), Done, "")
		})
	}
}

func TestWhatTheBoardCannotTimeTheAgentDoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := timing(t, siren)
		line.can = false
		r.want(r.do("siren pulse 10s"), Done, "")
		wantTrace(t, line.fakeLine, "+call c1, -call c1")
	})
}

func TestALineThatDidNotComeBackIsBroughtBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := timing(t, router)
		line.stuck = true
		ans := r.want(r.do("router cycle 10s"), Done, "")
		wantTrace(t, line.fakeLine, "+call c1, -call c1")
		if at := time.Duration(ans.Edges[1].AtMS) * time.Millisecond; at <= 10*time.Second || at > 11*time.Second {
			t.Errorf("edge back after %s, want soon after 10s", at)
		}
	})
	bubble(t, func(t *testing.T) { // and that fails, too
		r, line := timing(t, router)
		line.stuck, line.fail = true, failing(errFake, 2, 4)
		r.want(r.do("router cycle 10s"), Failed, "the edge back failed, trying until it succeeds")
		later(time.Minute)
		wantTrace(t, line.fakeLine, "+call c1, -settle call c1")
	})
}

// A timer that runs on would switch back what was ended.
func TestEndingATimedActionStopsTheTimer(t *testing.T) {
	mains := OutputSpec{Name: "mains", Contact: ContactNC, Safe: LoadOff} // safe is where a cycle is in its middle
	for name, end := range map[string]func(r *rig){
		"call":   func(r *rig) { r.want(r.do("mains off"), Done, "") },
		"power":  func(r *rig) { r.box.PowerFail(r.t.Context(), true) },
		"safe":   func(r *rig) { _ = r.box.Safe(r.t.Context()) },
		"hidden": func(r *rig) { r.lines["mains"].fail = failing(errFake, 3, 4); _ = r.box.Safe(r.t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, line := timing(t, mains)
				r.do("mains on")
				cycle := r.send("mains cycle 10s", Meta{})
				later(time.Second)
				end(r)
				if ans := <-cycle; ans.State != Failed {
					t.Errorf("got %+v, want it ended", ans)
				}
				later(time.Minute)
				wantTrace(t, line.fakeLine, "-call c1, +call c2")
				if line.isActive() != true {
					t.Error("the timer switched it on again")
				}
				r.box.PowerFail(t.Context(), false)
				r.want(r.do("mains on"), Done, "")
			})
		})
	}
	bubble(t, func(t *testing.T) { // it is ended while the board takes it in
		r, line := timing(t, mains)
		r.do("mains on")
		gate := make(chan struct{})
		line.set(func() { line.block = gate })
		cycle := r.send("mains cycle 10s", Meta{})
		synctest.Wait()
		off := r.send("mains off", Meta{})
		synctest.Wait()
		line.set(func() { line.block = nil })
		close(gate)
		r.want(<-off, Done, "")
		r.want(<-cycle, Failed, "ended by call c3")
		later(time.Minute)
		if !line.isActive() {
			t.Error("the timer switched it on again")
		}
	})
	bubble(t, func(t *testing.T) { // the stop does not wait for the board
		r, line := timing(t, router)
		cycle := r.send("router cycle 10s", Meta{})
		later(time.Second)
		_ = r.stop()
		r.want(<-cycle, Failed, "ended by stop")
		later(time.Minute)
		wantTrace(t, line.fakeLine, "+call c1, -stop")
	})
}

func TestTimedFirstEdgeThatFails(t *testing.T) {
	for err, want := range map[error]string{moved(false): "the line did not move", moved(true): "the line may have moved, settling it"} {
		bubble(t, func(t *testing.T) {
			r, line := timing(t, router)
			line.err = err
			line.known = !lost(err)
			ans := <-r.send("router cycle 10s", Meta{})
			if !strings.HasPrefix(ans.Detail, want) {
				t.Errorf("got %+v, want %s", ans, want)
			}
			later(time.Minute)
			if want := map[bool]int{true: 1, false: 0}[lost(err)]; line.sets != want {
				t.Errorf("%v: set %d times, want %d", err, line.sets, want)
			}
			line.err = nil
			r.want(r.do("router cycle 10s"), Done, "")
		})
	}
}

// An edge back that would switch a member of an interlock on stays the agent's:
// nobody could hold it back.
func TestTimerNeverSwitchesAMemberOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, motor)
		l := &timedLine{fakeLine: r.lines["up"], can: true}
		r.adopters = map[string]Line{"up": l}
		r.open().run()
		r.want(r.do("up pulse 10s"), Done, "")
		r.do("up on")
		r.want(r.do("up cycle 10s"), Done, "")
		if got := strings.Join(l.timed, ", "); got != "true 10s" {
			t.Errorf("timed %q, want the pulse only", got)
		}
		r.want(r.do("down on"), Done, "up was switched off first")
	})
}

// reopened is a line whose chip can be taken away.
type reopened struct {
	*fakeLine
	away   *atomic.Bool
	lost   atomic.Bool // this line, until it is reopened
	looked atomic.Int32
	driven bool
}

func (l *reopened) Set(active bool, why string) (string, error) {
	if l.lost.Load() {
		return "", errFake
	}
	return l.fakeLine.Set(active, why)
}

func (l *reopened) Active() (active, known bool, err error) {
	if l.lost.Load() {
		return false, false, errFake
	}
	return l.fakeLine.Active()
}

func (l *reopened) Gone(err error) bool { return errors.Is(err, errFake) }

func (l *reopened) Reopen() error {
	l.looked.Add(1)
	if l.away.Load() {
		return errFake
	}
	l.set(func() { l.level = l.driven })
	l.lost.Store(false)
	return nil
}

func (l *reopened) take() { l.away.Store(true); l.lost.Store(true) }

func TestAChipThatWasTakenAwayIsFoundAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump, {Name: "leased"}, {Name: "pulsed", Longest: time.Hour}}})
		lines, away := map[string]*reopened{}, new(atomic.Bool)
		r.adopters = map[string]Line{}
		for name, l := range r.lines {
			lines[name] = &reopened{fakeLine: l, away: away}
			r.adopters[name] = lines[name]
		}
		r.open().run()
		r.do("pump on")
		r.do("leased on 10m")
		pulse := r.send("pulsed pulse 30s", Meta{})
		synctest.Wait()
		for _, l := range lines {
			l.take()
		}
		later(20 * time.Second)
		for name := range lines {
			if got := r.reported(name); got.Load != "unknown" || got.Detail == "" {
				t.Errorf("report: %+v, want it noticed", got)
			}
		}
		r.want(<-pulse, Unknown, "ended by a lost line; the line is not there yet, trying until it is: "+errFake.Error())
		if n := lines["pump"].looked.Load(); n < 5 || n > 30 {
			t.Errorf("looked for %d times in 20s, want a back-off", n)
		}
		away.Store(false)
		later(10 * time.Second)
		for name := range lines {
			if got := r.reported(name); got.Load != "off" || got.Detail != "" {
				t.Errorf("report: %+v, want it back, at safe", got)
			}
		}
		r.want(r.do("pump on"), Done, "")
		if n := lines["pump"].looked.Load(); n > 30 {
			t.Errorf("looked for %d times, want an end", n)
		}
	})
}
