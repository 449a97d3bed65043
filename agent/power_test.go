package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/push"
)

func powerBench(b *bench) {
	b.options.Power = &device.PowerFailSpec{LostAfter: 20 * time.Millisecond, HoldUp: 2 * time.Second, RestoredAfter: 5 * time.Second, Outputs: "safe", Then: "stay"}
}

func (b *bench) power(lost bool) {
	b.lost.Store(lost)
	b.agent.PowerEdge(lost)
	synctest.Wait()
}

func TestPowerFailSignsOffFirstThenMovesToSafe(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		b.call("c1", "router cycle 30s")
		b.power(true)
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		b.wantLog("ack c1", "edge router true, call c1", "signoff power-fail 2", "edge router false, power-fail", "result c1 false")
		if ans := b.wantState("c1", "failed"); !strings.Contains(ans.Detail, "power") {
			t.Errorf("detail %q, want power", ans.Detail)
		}
	})
}

func TestPowerBackSignsOnWithAHigherPoll(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(time.Second)
		b.power(false)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		b.wantLog("signoff power-fail 1")
		if n := b.link.count("poll"); n != 1 {
			t.Errorf("%d polls although power was back for less than restored_after, want 1", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := b.link.count("poll 2"); n != 1 {
			t.Error("no higher poll after power was back for restored_after")
		}
		b.call("c1", "router cycle 1s")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.wantState("c1", "done")
	})
}

func TestPowerFailOutlivedIsOnBattery(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		b.wantLog("signoff power-fail 1")
		if b.link.count("poll 2") != 1 {
			t.Error("did not sign on again on battery")
		}
		if faults := b.agent.allFaults(); len(faults) != 1 || !strings.Contains(faults[0], "on battery") {
			t.Errorf("faults %q, want on battery", faults)
		}
		b.power(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if faults := b.agent.allFaults(); len(faults) != 0 {
			t.Errorf("faults %q after power came back, want none", faults)
		}
	})
}

func TestPowerBounceMovesNothing(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.router.active = true // at_start keep: the load is off and stays so
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(5 * time.Millisecond)
		b.power(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !b.router.active {
			t.Error("a bounce shorter than lost_after moved an output")
		}
		if b.link.count("poll 2") != 1 {
			t.Error("did not sign on again after a bounce")
		}
	})
}

func TestPowerLineThatSaysLostAtStartIsNotArmed(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.lost.Store(true)
		b.start()
		defer b.end()
		b.agent.PowerEdge(true)
		time.Sleep(time.Second)
		synctest.Wait()
		b.call("c1", "router cycle 1s")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		b.wantState("c1", "done") // calls are served
		if faults := b.agent.allFaults(); len(faults) != 1 || !strings.Contains(faults[0], "not armed") {
			t.Errorf("faults %q, want not armed", faults)
		}
		b.power(false) // power comes: armed from here on
		if faults := b.agent.allFaults(); len(faults) != 0 {
			t.Errorf("faults %q once the line is armed, want none", faults)
		}
		b.power(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if log := b.link.log(); !slices.ContainsFunc(log, func(s string) bool { return strings.HasPrefix(s, "signoff power-fail") }) {
			t.Errorf("not armed after the line came back: %q", log)
		}
	})
}

func TestCallThatIsBeingAcknowledgedDoesNotMoveInThePowerFail(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.LostAfter = time.Second
		b.link.slow = 10 * time.Millisecond
		b.start()
		defer b.end()
		b.link.calls <- push.Call{ContainerID: "c", MessageID: "c1", Data: "router off"}
		time.Sleep(5 * time.Millisecond)
		b.power(true)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		b.wantState("c1", "failed")
		if len(b.edges()) != 0 {
			t.Errorf("moved in the latch: %q", b.edges())
		}
		err := b.agent.begin("c1", device.Action{Kind: device.KindSteady})
		if err == nil || !strings.Contains(err.Error(), "power") {
			t.Errorf("the last word before an edge is %v, want power", err)
		}
	})
}

func TestPowerMarkStaysOnBatteryAndGoesWithThePower(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		mark := func() string { synctest.Wait(); v, _ := b.journal.Get(factPower); return v }
		b.power(true)
		time.Sleep(100 * time.Millisecond)
		if mark() != "lost" {
			t.Errorf("mark %q in the power-fail, want lost", mark())
		}
		time.Sleep(time.Minute) // on battery: it may be empty any time
		if mark() != "lost" {
			t.Errorf("mark %q on battery, want lost", mark())
		}
		b.power(false)
		time.Sleep(10 * time.Second)
		if mark() != "" {
			t.Errorf("mark %q after power came back, want none", mark())
		}
	})
}

func TestPowerIsMarkedWhileTheSignOffHangs(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.HoldUp = time.Minute
		b.start()
		b.link.hang = make(chan struct{})
		b.power(true)
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if v, _ := b.journal.Get(factPower); v != "lost" {
			t.Errorf("mark %q while the sign-off hangs, want lost", v)
		}
		close(b.link.hang)
		b.end()
	})
}

func TestThenIsAskedForOnlyWhenPowerStaysAway(t *testing.T) {
	for _, lasting := range []bool{true, false} {
		bubble(t, func(b *bench) {
			powerBench(b)
			b.options.Power.Then = "poweroff"
			asked := ""
			b.options.Request = func(action string) error { asked += action; return nil }
			b.start()
			b.power(true)
			if !lasting {
				time.Sleep(time.Millisecond)
				b.power(false)
			}
			time.Sleep(time.Second)
			b.end()
			if want := map[bool]string{true: "poweroff"}[lasting]; asked != want {
				t.Errorf("asked %q, want %q", asked, want)
			}
			if b.link.count("signoff power-fail") != 2 || b.link.count("signoff shutdown") != 0 {
				t.Error("the stop in a power-fail takes the reason back")
			}
		})
	}
}

func TestSignOffWithoutAWarmConnection(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.link.slowSignOff.Store(true)
		b.start()
		defer b.end()
		b.router.active = true
		b.call("c1", "router off")
		b.power(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := b.link.count("signoff power-fail"); n != 1 {
			t.Errorf("%d sign-offs, want 1 by the slower way", n)
		}
		if b.router.active {
			t.Error("the output did not go to safe")
		}
	})
}

func TestGlitchOfThePowerLineDoesNothing(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		b.agent.PowerEdge(true) // the level says otherwise
		time.Sleep(time.Second)
		synctest.Wait()
		if len(b.link.log()) != 0 || b.agent.power.latched() {
			t.Errorf("a glitch did something: %q", b.link.log())
		}
		b.power(true) // and the next real one is not missed
		time.Sleep(time.Second)
		synctest.Wait()
		if n := b.link.count("signoff power-fail"); n != 1 {
			t.Errorf("%d sign-offs after the glitch, want 1", n)
		}
	})
}

func TestEachPowerFailSignsOffOnce(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.start()
		defer b.end()
		for i := range 3 {
			b.power(true)
			b.power(false) // bounce
			b.power(true)
			time.Sleep(time.Second)
			b.power(false)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if n := b.link.count("signoff power-fail"); n != i+1 {
				t.Errorf("%d sign-offs after %d power-fails", n, i+1)
			}
			if b.agent.power.latched() {
				t.Fatal("still latched after power came back")
			}
		}
	})
}

func TestPowerThatFlickersAndFailsMovesToSafe(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.router.active = true
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(15 * time.Millisecond)
		b.power(false) // there when lost_after is over
		time.Sleep(10 * time.Millisecond)
		b.power(true) // and gone for good
		time.Sleep(15 * time.Millisecond)
		synctest.Wait()
		if es := b.edges(); len(es) > 0 {
			t.Errorf("moved although the power was lost for less than lost_after: %q", es)
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if es := b.edges(); !slices.Equal(es, []string{"edge router false, power-fail"}) {
			t.Errorf("edges %q, want the output to go to safe", es)
		}
		if n := b.link.count("signoff power-fail"); n != 1 {
			t.Errorf("%d sign-offs, want 1", n)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if b.link.count("poll 2") != 1 {
			t.Error("did not sign on again on battery")
		}
	})
}

func TestPowerBackEndsTheWaitForLostAfter(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.LostAfter = time.Minute
		b.router.active = true
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(time.Second)
		b.power(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if b.link.count("poll 2") != 1 {
			t.Error("did not sign on again when the power was back for restored_after")
		}
		if es := b.edges(); len(es) > 0 {
			t.Errorf("an output moved: %q", es)
		}
	})
}
