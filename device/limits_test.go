package device

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMinDwellCountsFromTheLastEdge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MinDwell: 10 * time.Second})
		r.want(r.do("pump pulse 1s"), Done, "") // what was found at start is no edge
		later(9 * time.Second)
		r.want(r.do("pump on"), Refused, "min_dwell: the last edge was 9s ago, the next may follow after 10s")
		later(time.Second)
		r.want(r.do("pump on"), Done, "")
		wantTrace(t, line, "+call c1, -call c1, +call c3")
	})
}

func TestMaxPerHourIsARollingHour(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, OutputSpec{Name: "pump", MaxPerHour: 2})
		r.want(r.do("pump pulse"), Done, "")
		later(30 * time.Minute)
		r.want(r.do("pump pulse"), Done, "")
		r.want(r.do("pump pulse"), Refused, "max_per_hour: 2 actions in the last hour")
		later(30 * time.Minute)
		r.want(r.do("pump pulse"), Done, "")
		r.want(r.do("pump pulse"), Refused, "max_per_hour: ")
	})
}

func TestRefusedCallsDoNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, OutputSpec{Name: "pump", MaxPerHour: 1})
		for range 5 {
			r.want(r.do("pump cycle"), Refused, "the load is off")
		}
		r.want(r.do("pump pulse"), Done, "")
	})
}

func TestMaxOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MaxOn: time.Minute, Longest: time.Hour})
		r.do("pump on")
		later(50 * time.Second)
		r.do("pump on")   // neither this
		r.do("pump read") // nor this restarts it
		r.do("pump on 1m")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -max on")
		if got := line.between(0, 1); got != time.Minute {
			t.Errorf("load on for %s, want 1m", got)
		}
		r.want(r.do("pump pulse 61s"), Refused, "pulse of pump")
	})
}

func TestMaxOnOfALoadThatWasFoundOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{{Name: "pump", MaxOn: time.Minute}}})
		r.lines["pump"].level = true
		r.open().run()
		later(time.Hour)
		wantTrace(t, r.lines["pump"], "-max on")
	})
}

func TestMaxOnOfANormallyClosedContact(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "fan", Contact: ContactNC, Safe: LoadOff, MaxOn: time.Minute, Longest: time.Hour})
		r.do("fan on")
		later(2 * time.Minute)
		wantTrace(t, line, "-call c1, +max on")
	})
}

func TestMaxOnStartsAnewWithEachOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MaxOn: time.Minute})
		r.do("pump on")
		later(50 * time.Second)
		r.do("pump cycle 5s")
		later(59 * time.Second)
		if !line.isActive() {
			t.Error("load is off 59 s after the cycle, want it on for a minute")
		}
		later(time.Second)
		if line.isActive() {
			t.Error("load is on 60 s after the cycle, want max_on to have ended it")
		}
	})
}

func TestMaxOnThatFailsIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, line := one(t, OutputSpec{Name: "pump", MaxOn: time.Minute})
		r.do("pump on")
		line.set(func() { line.fail = func(n int, _ bool) error { return map[bool]error{true: errFake}[n < 10] } })
		later(time.Minute + time.Second)
		r.want(r.do("pump pulse"), Refused, "busy: max on")
		later(time.Hour)
		wantTrace(t, line, "+call c1, -max on")
	})
}

func TestGuardIsToldOfAllHardwareWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{pump}})
		work, over := 0, 0
		r.box.o.Guard = func(worker string, limit time.Duration) func() {
			if worker != "output pump" || limit != workLimit {
				t.Errorf("guard of %s, %s", worker, limit)
			}
			work++
			return func() { over++ }
		}
		r.open().run()
		r.do("pump pulse")
		r.do("pump read")
		synctest.Wait()
		if work != 4 || over != 4 {
			t.Errorf("guarded %d times, ended %d times, want 4: open, two edges, read", work, over)
		}
	})
}

func TestChanged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := one(t, pump)
		synctest.Wait()
		changed := func() bool {
			synctest.Wait()
			select {
			case <-r.box.Changed():
				return true
			default:
				return false
			}
		}
		changed()
		r.do("pump off")
		if changed() {
			t.Error("signalled although nothing changed")
		}
		r.do("pump on")
		if !changed() || changed() {
			t.Error("want one signal after on")
		}
		if got, want := r.reported("pump"), (TargetState{"pump", "output", "on", true, "readback", ""}); got != want {
			t.Errorf("report: got %+v, want %+v", got, want)
		}
	})
}
