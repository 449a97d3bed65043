package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

func TestNoPollInTheLatchAndTheWatchdogIsFed(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.HoldUp = 10 * time.Minute
		fed := 0
		b.feedInto(&fed)
		b.start()
		defer b.end()
		states := b.link.count("state")
		b.power(true)
		b.call("c1", "lamp on") // on the poll that is still held
		time.Sleep(time.Second)
		b.wantState("c1", "failed")
		if b.link.count("ack c1") != 1 {
			t.Error("a call in the latch is not acknowledged")
		}
		if b.link.count("state") == states {
			t.Error("nobody is told where the outputs went")
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := b.link.count("poll"); n != 1 {
			t.Errorf("%d polls in the latch, want the one from before", n)
		}
		if fed < 30 {
			t.Errorf("fed %d times in 5 min of latch, want 30", fed)
		}
	})
}

func TestPowerThatFlickersAndFailsAgain(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.HoldUp = time.Hour
		b.start()
		defer b.end()
		for round := range 2 {
			before := b.link.count("poll")
			b.power(true)
			time.Sleep(time.Second)
			b.power(false)
			time.Sleep(3 * time.Second)
			b.power(true)
			time.Sleep(time.Second)
			b.power(false)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if b.link.count("poll") != before {
				t.Errorf("round %d: signed on before power was back for restored_after", round)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if b.link.count("poll") != before+1 {
				t.Fatalf("round %d: dark although power is back", round)
			}
		}
	})
}

func TestPowerBackEndsALongPause(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.link.wait = 15 * time.Minute
		b.start()
		defer b.end()
		b.link.setDown(true)
		time.Sleep(push.Hold + time.Second) // now it pauses
		b.power(true)
		time.Sleep(time.Second)
		b.link.setDown(false)
		b.power(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := b.link.count("poll"); n != 2 {
			t.Errorf("%d polls, want the one that signs on at once", n)
		}
	})
}

func TestLongPauseDoesNotStarveTheWatchdog(t *testing.T) {
	bubble(t, func(b *bench) {
		fed := 0
		b.feedInto(&fed)
		b.link.wait = 15 * time.Minute
		b.start()
		defer b.end()
		b.link.setDown(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if fed < 355 {
			t.Errorf("fed %d times in an hour, want 360", fed)
		}
	})
}

func TestEachPollPreparesTheSignOffAndKeepsTheLineWarm(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "lamp read")
		if want := fmt.Sprintf("power-fail %d", b.agent.polls.Load()); b.link.armed.Load() != want {
			t.Errorf("prepared %q, want %q", b.link.armed.Load(), want)
		}
		if b.link.fresh.Load() == 0 {
			t.Error("a call does not reset the back-off")
		}
		warms := b.link.warms.Load()
		time.Sleep(10*push.Hold + time.Second)
		if n := b.link.warms.Load() - warms; n < 10 {
			t.Errorf("kept warm %d times in 10 polls", n)
		}
	})
}

func TestServiceThatIsBackGetsResultAndStateAtOnce(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		b.call("c1", "lamp pulse 10s")
		b.link.setDown(true)
		time.Sleep(push.Hold + 31*time.Second)
		states := b.link.count("state")
		b.link.setDown(false)
		time.Sleep(2*time.Second + heldAfter + stateSpacing) // far less than a hold
		synctest.Wait()
		b.wantState("c1", "done")
		if b.link.count("state") == states {
			t.Error("no state after the service came back")
		}
	})
}

func TestLastWordsInOrder(t *testing.T) {
	bubble(t, func(b *bench) {
		var told []string
		b.options.Ready = func() { told = append(told, "ready") }
		b.options.Stopping = func() { told = append(told, "stopping") }
		b.options.Faults = []string{"box.toml:3: wrong"}
		b.start()
		time.Sleep(time.Minute)
		if faults := b.agent.allFaults(); !slices.Contains(faults, "box.toml:3: wrong") {
			t.Errorf("faults %q do not name the config's", faults)
		}
		b.end()
		b.link.mu.Lock()
		defer b.link.mu.Unlock()
		said := b.link.said[len(b.link.said)-2:]
		if !strings.HasPrefix(said[0], "state") || !strings.HasPrefix(said[1], "signoff") {
			t.Errorf("last words %q, want state, then sign-off", said)
		}
		if !slices.Equal(told, []string{"ready", "stopping"}) {
			t.Errorf("init was told %q", told)
		}
	})
}

func TestLastWordBeforeAnEdge(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		move := device.Action{Target: "lamp", Verb: "on", Kind: device.KindSteady}
		if err := b.agent.begin("never-received", move); err == nil {
			t.Error("a move that the journal does not hold is allowed")
		}
		for i := range maxInFlight {
			b.agent.calls.claim(fmt.Sprintf("x%d", i))
		}
		b.call("c17", "lamp on")
		for i := range maxInFlight {
			b.agent.calls.release(fmt.Sprintf("x%d", i))
			if i == 0 {
				b.call("c16", "lamp on")
			}
		}
		b.call("c18", "lamp pulse 20s")
		e, _ := b.journal.Lookup("c18")
		if len(e.Begun) != 1 || e.Begun[0].BootID != "boot-1" {
			t.Errorf("journaled %+v, want this boot", e.Begun)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c17", "refused")
		b.wantState("c16", "done")
	})
}

func TestForeignServiceSaysNoLife(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		for i := range maxServed + 10 { // each gives its slot back
			b.link.calls <- push.Call{ContainerID: "c", MessageID: fmt.Sprintf("c%d", i), Data: "lamp on"}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		b.wantState("c0", "done")
		b.wantState(fmt.Sprintf("c%d", maxServed+9), "done")
	})
}

func TestAnotherBootIsOver(t *testing.T) {
	bubble(t, func(b *bench) {
		b.spec.Outputs[1].AtStart = "on"
		b.began("c1", "c", journal.Begun{Target: "router", Verb: "cycle", Kind: device.KindCycle, BootID: "boot-0"})
		if err := b.journal.LeaseOpened("lamp", "c0"); err != nil {
			t.Fatal(err)
		}
		b.killed()
		b.router.active, b.lamp.active = true, true
		b.start()
		defer b.end()
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c1", "unknown")
		if len(b.edges()) != 0 {
			t.Errorf("edges %q for what another boot left", b.edges())
		}
	})
}

func TestPulseOfALineThatComesBackIsClosed(t *testing.T) {
	bubble(t, func(b *bench) {
		b.began("c1", "c", journal.Begun{Target: "lamp", Verb: "pulse", Kind: device.KindPulse, BootID: "boot-1"})
		b.killed()
		b.lamp.active = true
		b.lamp.broken.Store(true)
		b.start()
		defer b.end()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if e, _ := b.journal.Lookup("c1"); e.State == journal.StateFinished {
			t.Error("closed although the relay is not settled")
		}
		b.lamp.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateFinished {
			t.Error("never closed although the relay is settled")
		}
	})
}

func TestOfflinePolicyDoesNotMoveWhenTheServiceIsBackInTime(t *testing.T) {
	bubble(t, func(b *bench) {
		b.spec.Outputs[1].Offline = time.Minute
		b.lamp.active = true
		b.start()
		defer b.end()
		b.link.setDown(true)
		time.Sleep(push.Hold + 50*time.Second)
		b.link.setDown(false) // the next poll is held, and so not answered for 45 s
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.edges()) != 0 {
			t.Errorf("edges %q although the service was away for 50 s", b.edges())
		}
	})
}

func TestPollThatEndsInTheLatchDoesNotStarveTheWatchdog(t *testing.T) {
	bubble(t, func(b *bench) {
		powerBench(b)
		b.options.Power.HoldUp = 10 * time.Minute
		fed := 0
		b.feedInto(&fed)
		b.start()
		defer b.end()
		b.power(true)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if fed < 30 {
			t.Errorf("fed %d times in 5 min of latch, want 30", fed)
		}
	})
}

func TestOwedAnswersAreBounded(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		b.link.stuck.Store(true)
		body := result(device.Answer{State: "done"}).Append(nil)
		for i := range maxOwed + 10 {
			id := fmt.Sprintf("c%d", i)
			if _, _, err := b.journal.Received(journal.Received{ID: id, Container: "c"}); err != nil {
				t.Fatal(err)
			}
			if err := b.journal.Finished(id, body); err != nil {
				t.Fatal(err)
			}
			b.agent.outbox.add(pending{container: "c", id: id, body: body})
		}
		if n := b.agent.outbox.len(); n != maxOwed {
			t.Errorf("%d answers wait, want at most %d", n, maxOwed)
		}
		if n := len(b.journal.Unreported()); n != maxOwed {
			t.Errorf("%d answers wait in the journal, want at most %d", n, maxOwed)
		}
		b.end()
		time.Sleep(time.Minute)
	})
}
