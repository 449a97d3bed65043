package agent

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// began writes a call into the journal as a kill in the middle leaves it.
func (b *bench) began(id, container string, begun journal.Begun) {
	b.t.Helper()
	if b.journal == nil {
		b.openJournal()
	}
	if _, _, err := b.journal.Received(journal.Received{ID: id, Container: container, Data: begun.Target + " " + begun.Verb}); err != nil {
		b.t.Fatal(err)
	}
	if err := b.journal.Started(id, begun); err != nil {
		b.t.Fatal(err)
	}
}

// killed reopens the journal as the next start finds it.
func (b *bench) killed() {
	b.t.Helper()
	if err := b.journal.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.openJournal()
}

func (b *bench) edges() (edges []string) {
	for _, s := range b.link.log() {
		if strings.HasPrefix(s, "edge") {
			edges = append(edges, s)
		}
	}
	return edges
}

func TestNobodyWaitsAtTheGateOfTheNextPowerFail(t *testing.T) {
	p := newPowerFail(&Agent{o: Options{Watchdog: NewWatchdog()}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 5000 {
		p.latch()
		var polls sync.WaitGroup
		polls.Go(func() {
			for !p.mayPoll(ctx) && ctx.Err() == nil {
			}
		})
		p.unlatch()
		polls.Wait()
		if ctx.Err() != nil {
			t.Fatal("the poll loop waits although power is back")
		}
	}
}

func TestSignOffHasItsTimeWhateverHangs(t *testing.T) {
	for name, hang := range map[string]func(b *bench){
		"results":          func(b *bench) { b.link.stuck.Store(true) },
		"acknowledgements": func(b *bench) { b.link.slow = 9 * time.Second; b.call("c2", "lamp on") },
		"a relay":          func(b *bench) { b.lamp.block = make(chan struct{}); b.call("c2", "lamp pulse 1s") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				b.start()
				b.call("c1", "router cycle 30s")
				hang(b)
				began := time.Now()
				b.end()
				if took := time.Since(began); took > stopBudget-closeShare {
					t.Errorf("stop took %s, want at most %s", took, stopBudget-closeShare)
				}
				if b.link.count("signoff shutdown") != 1 {
					t.Errorf("no sign-off: %q", b.link.log())
				}
				if b.lamp.block != nil {
					close(b.lamp.block)
				}
				time.Sleep(time.Minute) // what hung may end
			})
		})
	}
}

func TestStopWhileEverySlotIsTaken(t *testing.T) {
	bubble(t, func(b *bench) {
		fed := 0
		b.feedInto(&fed)
		b.link.slow = 9 * time.Second
		b.start()
		for i := range maxServed + 1 {
			b.link.calls <- push.Call{ContainerID: "c", MessageID: fmt.Sprintf("c%d", i), Data: "router read"}
		}
		synctest.Wait()
		began := time.Now()
		b.end()
		if took := time.Since(began); took > stopBudget {
			t.Errorf("stop took %s with a full table, want at most %s", took, stopBudget)
		}
		time.Sleep(time.Minute)
	})
}

func TestStartThatIsStoppedAtOnceStillSettles(t *testing.T) {
	bubble(t, func(b *bench) {
		b.began("c1", "c", journal.Begun{Target: "lamp", Verb: "pulse", Kind: device.KindPulse, BootID: "boot-1"})
		if err := b.journal.LeaseOpened("router", "c0"); err != nil {
			t.Fatal(err)
		}
		b.killed()
		b.lamp.active, b.router.active = true, true
		box := b.openBox(slog.New(slog.DiscardHandler), NewWatchdog())
		ctx, cancel := context.WithCancel(b.t.Context())
		cancel()
		Recover(ctx, box, b.journal, LastRun{SameBoot: true}, "boot-1", slog.New(slog.DiscardHandler))
		if b.lamp.active || b.router.active {
			t.Errorf("lamp active %v, router active %v; want both settled", b.lamp.active, b.router.active)
		}
		if n := len(b.journal.Leases()); n != 0 {
			t.Errorf("%d leases open after they were settled", n)
		}
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateFinished {
			t.Errorf("call is %s in the journal, want finished", e.State)
		}
	})
}

func TestWhatCannotBeSettledStaysOpenForTheNextStart(t *testing.T) {
	bubble(t, func(b *bench) {
		b.options.Last.SameBoot = true
		b.began("c1", "c", journal.Begun{Target: "lamp", Verb: "pulse", Kind: device.KindPulse, BootID: "boot-1"})
		b.killed()
		lamp := b.lamp
		lamp.active, b.lamp = true, nil // its chip is not there at this start
		b.start()
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c1", "unknown") // the person hears of it at once
		b.end()
		if !lamp.active {
			t.Fatal("a line that can't be opened moved")
		}
		b.lamp = lamp
		b.again()
		b.start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if lamp.active {
			t.Error("the relay stays active for ever")
		}
		if e, _ := b.journal.Lookup("c1"); e.State != journal.StateFinished || !e.Reported {
			t.Errorf("call is %s, reported %v; want it closed now", e.State, e.Reported)
		}
		b.end()
	})
}

func TestLeaseOfALineThatComesBackIsSettledThenClosed(t *testing.T) {
	bubble(t, func(b *bench) {
		b.options.Last.SameBoot = true
		b.openJournal()
		if err := b.journal.LeaseOpened("lamp", "c0"); err != nil {
			t.Fatal(err)
		}
		b.lamp.active = true
		b.lamp.broken.Store(true)
		b.start()
		defer b.end()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(b.journal.Leases()) != 1 {
			t.Error("the journal forgot a lease that is not settled")
		}
		b.lamp.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if b.lamp.active || len(b.journal.Leases()) != 0 {
			t.Errorf("active %v, leases %v; want settled and closed", b.lamp.active, b.journal.Leases())
		}
	})
}

func TestUnsettledOfATargetThatIsGoneEndsWithTheBoot(t *testing.T) {
	for boot, open := range map[string]bool{"boot-1": true, "boot-0": false} {
		bubble(t, func(b *bench) {
			b.began("c1", "c", journal.Begun{Target: "gone", Verb: "pulse", Kind: device.KindPulse, BootID: boot})
			if err := b.journal.LeaseOpened("gone", "c0"); err != nil {
				t.Fatal(err)
			}
			b.killed()
			b.options.Last.SameBoot = boot == "boot-1"
			b.start()
			time.Sleep(time.Second)
			b.end()
			e, _ := b.journal.Lookup("c1")
			if got := e.State != journal.StateFinished; got != open {
				t.Errorf("%s: call open %v, want %v", boot, got, open)
			}
			if got := len(b.journal.Leases()) > 0; got != open {
				t.Errorf("%s: lease open %v, want %v", boot, got, open)
			}
		})
	}
}

func TestAnswersOfTheCommandLineAreNotSent(t *testing.T) {
	bubble(t, func(b *bench) {
		b.began("do-1", "", journal.Begun{Target: "lamp", Verb: "pulse", Kind: device.KindPulse, BootID: "boot-1"})
		b.killed()
		b.start()
		defer b.end()
		time.Sleep(time.Minute)
		synctest.Wait()
		b.wantLog()
		if n := len(b.journal.Unreported()); n != 0 {
			t.Errorf("%d answers are owed to nobody", n)
		}
	})
}

func TestOfflinePolicyDoesNotWaitForThePoll(t *testing.T) {
	bubble(t, func(b *bench) {
		b.spec.Outputs[1].Offline = time.Minute
		b.lamp.active = true
		b.link.wait = 15 * time.Minute // as after Retry-After
		b.start()
		defer b.end()
		b.link.setDown(true)
		time.Sleep(push.Hold) // the held poll still succeeds
		time.Sleep(time.Minute + 3*offlineStep)
		synctest.Wait()
		if b.lamp.active {
			t.Error("the lamp is on although the service is away for longer than its offline policy")
		}
		want := b.edges()
		if len(want) != 1 || !strings.Contains(want[0], "offline") {
			t.Errorf("edges %q, want one for offline", want)
		}
	})
}

func TestOfflinePolicyCountsEachAbsence(t *testing.T) {
	bubble(t, func(b *bench) {
		b.spec.Outputs[1].Offline = 2 * time.Minute
		b.start()
		defer b.end()
		on := func() bool { e := b.edges(); return strings.HasPrefix(e[len(e)-1], "edge lamp true") }
		for i := range 2 {
			b.call(fmt.Sprintf("on%d", i), "lamp on")
			b.link.setDown(true)
			time.Sleep(push.Hold + 90*time.Second)
			synctest.Wait()
			if !on() {
				t.Fatalf("absence %d: off before its time", i)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if on() {
				t.Fatalf("absence %d: still on after 2 min", i)
			}
			b.link.setDown(false)
			time.Sleep(time.Minute)
		}
	})
}

func TestAgentReboot(t *testing.T) {
	bubble(t, func(b *bench) {
		var asked []string
		b.options.Request = func(action string) error {
			e, _ := b.journal.Lookup("c1")
			asked = append(asked, action+" "+e.State.String())
			return nil
		}
		b.start()
		b.call("c1", "agent reboot")
		time.Sleep(time.Second)
		synctest.Wait()
		b.wantState("c1", "done")
		b.call("c1", "agent reboot") // delivered again
		b.link.slow = 9 * time.Second
		b.link.calls <- push.Call{ContainerID: "c", MessageID: "c2", Data: "agent reboot", TTL: 8 * time.Second}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		b.wantState("c2", "expired")
		if !slices.Equal(asked, []string{"reboot started"}) {
			t.Errorf("asked %q, want one reboot, journaled before it was asked for", asked)
		}
		b.end()
		if b.link.count("signoff reboot") != 1 {
			t.Errorf("the sign-off does not tell of the reboot: %q", b.link.log())
		}
	})
}

func TestAgentRebootThatWasNotAnswered(t *testing.T) {
	for boot, state := range map[string]string{"boot-0": "done", "boot-1": "unknown"} {
		bubble(t, func(b *bench) {
			b.began("c1", "c", journal.Begun{Target: "agent", Verb: "reboot", Kind: device.KindSteady, BootID: boot})
			b.killed()
			b.start()
			defer b.end()
			time.Sleep(time.Second)
			synctest.Wait()
			b.wantState("c1", state)
		})
	}
}

func TestAgentAnswers(t *testing.T) {
	bubble(t, func(b *bench) {
		b.start()
		defer b.end()
		for verb, want := range map[string][2]string{
			"status":    {"done", `"name":"router"`},
			"plan":      {"done", "router (output, on), lamp (output, off)"},
			"blink":     {"refused", "no light"},
			"reboot":    {"refused", "not allowed"},
			"dance":     {"refused", "status, plan, blink, reboot"},
			"status 5s": {"refused", "no arguments"},
		} {
			b.call(verb, "agent "+verb)
			time.Sleep(time.Second)
			synctest.Wait()
			if ans := b.wantState(verb, want[0]); !strings.Contains(ans.Detail, want[1]) {
				t.Errorf("agent %s: detail %q, want %q", verb, ans.Detail, want[1])
			}
		}
	})
}

func TestAnswerIsNeverTooLongToBeTaken(t *testing.T) {
	long := strings.Repeat("ä\"\\", 50000)
	r := result(device.Answer{State: "done", Detail: long})
	if n := len(r.Append(nil)); n > push.MaxBody {
		t.Errorf("result has %d bytes, want at most %d", n, push.MaxBody)
	}
	if _, err := push.ParseResult("application/json", r.Append(nil)); err != nil {
		t.Error(err)
	}
}

func TestRefusedAnswerHoldsNobodyUp(t *testing.T) {
	bubble(t, func(b *bench) {
		b.link.refuse = map[string]int{"a": 404, "b": 413, "s": 503}
		b.start()
		defer b.end()
		b.link.setDown(true)
		for _, id := range []string{"a", "b", "good"} {
			b.agent.outbox.add(pending{container: "c", id: id, body: result(device.Answer{State: "done"}).Append(nil)})
		}
		time.Sleep(push.Hold)
		b.link.setDown(false)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		b.wantState("good", "done")
		for range 5 {
			b.agent.outbox.add(pending{container: "c", id: "A", body: result(device.Answer{State: "done"}).Append(nil)})
		}
		if n := b.agent.outbox.len(); n != 2 {
			t.Errorf("%d answers owed, want the two that were refused, each once", n)
		}
	})
}
