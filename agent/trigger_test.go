package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/push"
)

func words(target, verb string, args ...string) device.Command {
	return device.Command{Target: target, Verb: verb, Args: args}
}

// alive is bubble for an agent that is stopped at the end.
func alive(t *testing.T, f func(b *bench)) {
	bubble(t, func(b *bench) {
		f(b)
		b.end()
	})
}

// withDoor gives the bench an input and triggers.
func (b *bench) withDoor(triggers ...device.TriggerSpec) *fakeInput {
	door := &fakeInput{}
	b.inputs = map[string]*fakeInput{"door": door}
	b.spec.Inputs = []device.InputSpec{{Name: "door"}}
	b.options.Triggers = triggers
	start := time.Now()
	b.options.Boot = func() time.Duration { return time.Hour + time.Since(start) }
	return door
}

// told is what the newest report tells of the box's own calls.
func (b *bench) told() string {
	time.Sleep(10 * time.Second) // the next poll, then a report a second at most
	synctest.Wait()
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	var all []string
	for _, e := range b.link.events {
		all = append(all, e.Trigger+": "+e.Call+" "+e.State)
	}
	return strings.Join(all, ", ")
}

// moved is how often a relay moved so.
func (b *bench) moved(what string) int { return b.link.count("edge " + what) }

// crash ends the agent as a kill does: the journal and the lines stay as they
// are at this moment.
func (b *bench) crash() {
	b.t.Helper()
	name := filepath.Join(b.dir, "journal")
	text, err := os.ReadFile(name)
	if err != nil {
		b.t.Fatal(err)
	}
	lamp, router := b.lamp.active, b.router.active
	b.end()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.lamp.active, b.router.active = lamp, router
	b.again()
}

func doorOn(call device.Command) device.TriggerSpec {
	return device.TriggerSpec{Input: "door", Edge: device.LoadOn, Call: call}
}

// An edge of an input makes a call, in the journal and with all limits, and the
// service is told of it.
func TestInputTriggerCalls(t *testing.T) {
	alive(t, func(b *bench) {
		b.options.Started = time.Now()
		door := b.withDoor(doorOn(words("lamp", "pulse", "5s")), device.TriggerSpec{Input: "door", Edge: device.LoadOff, Call: words("router", "off")})
		b.start()
		time.Sleep(time.Minute)
		at := time.Now()
		door.move(true)
		time.Sleep(time.Second)
		if n := b.moved("lamp true, call trigger-"); n != 1 {
			t.Fatalf("%d edges, want one by a call of the trigger", n)
		}
		time.Sleep(10 * time.Second)
		if got := b.told(); got != "input door on: lamp pulse 5s done" {
			t.Errorf("told %q", got)
		}
		if got := b.link.events[0]; got.At != at.UTC().Format(time.RFC3339) || got.Detail != "" {
			t.Errorf("event %+v, want it at %s", got, at)
		}
		door.move(false)
		if got := b.told(); got != "input door on: lamp pulse 5s done, input door off: router off done" {
			t.Errorf("told %q", got)
		}
		if n := len(b.link.log()); n != 3 || b.link.count("result") != 0 {
			t.Errorf("conversation %q, want edges only: nobody sent these calls", b.link.log())
		}
		if open := b.journal.Unreported(); len(open) != 0 {
			t.Errorf("still owed after they were told: %+v", open)
		}
	})
}

// The level at the start is no edge, the same level again neither.
func TestTriggerWantsAnEdge(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorOn(words("lamp", "pulse", "1s")))
		door.active.Store(true)
		b.start()
		time.Sleep(time.Minute)
		door.move(true)
		if got := b.told(); got != "" || b.moved("lamp") != 0 {
			t.Errorf("told %q", got)
		}
	})
}

// While its last call runs a trigger starts none; then at most one a second and
// sixty an hour.
func TestTriggerRate(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorOn(words("lamp", "pulse", "100ms")))
		b.spec.Outputs[1].Longest = time.Hour
		b.start()
		bounce := func(every time.Duration, n int) {
			for range n {
				door.move(true)
				door.move(false)
				time.Sleep(every)
				synctest.Wait()
			}
		}
		bounce(100*time.Millisecond, 20)
		if n := b.moved("lamp true"); n != 2 {
			t.Errorf("%d starts in 2 s of bouncing, want 2", n)
		}
		bounce(10*time.Second, 100)
		if n := b.moved("lamp true"); n != triggerHourly {
			t.Errorf("%d starts within the hour, want %d", n, triggerHourly)
		}
		time.Sleep(time.Hour)
		bounce(10*time.Second, 1)
		if n := b.moved("lamp true"); n != triggerHourly+1 {
			t.Errorf("%d starts after the hour, want one more", n)
		}
		if n := len(b.agent.events.list(true)); n != maxEvents {
			t.Errorf("%d events kept, want %d", n, maxEvents)
		}
	})
	alive(t, func(b *bench) {
		door := b.withDoor(doorOn(words("lamp", "pulse", "50s")))
		b.start()
		for range 30 {
			door.move(true)
			door.move(false)
			time.Sleep(time.Second)
		}
		if n := b.moved("lamp true"); n != 1 {
			t.Errorf("%d starts while the call runs, want 1", n)
		}
	})
}

// The limits of a remote call hold: power-fail, safe mode, a broken journal, busy.
func TestTriggerHoldsTheLimits(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(b *bench)
		want    string
	}{
		"safe mode": {func(b *bench) { b.options.SafeMode = true }, "input door on: lamp pulse 1s refused"},
		"busy":      {func(b *bench) {}, "input door on: lamp pulse 1s refused"},
		"no target": {func(b *bench) { b.options.Triggers[0].Call.Target = "gone" }, "input door on: gone pulse 1s refused"},
	} {
		alive(t, func(b *bench) {
			door := b.withDoor(doorOn(words("lamp", "pulse", "1s")))
			test.prepare(b)
			b.start()
			if name == "busy" {
				b.call("c1", "lamp pulse 30s")
			}
			door.move(true)
			if got := b.told(); got != test.want {
				t.Errorf("%s: told %q, want %q", name, got, test.want)
			}
			if n := b.moved("lamp true, call trigger"); n != 0 {
				t.Errorf("%s: moved %d times", name, n)
			}
		})
	}
	alive(t, func(b *bench) {
		door := b.withDoor(doorOn(words("lamp", "pulse", "1s")))
		b.options.Power = &device.PowerFailSpec{HoldUp: time.Hour, RestoredAfter: time.Second}
		b.start()
		b.lost.Store(true)
		b.agent.PowerEdge(true)
		time.Sleep(10 * time.Second)
		door.move(true)
		synctest.Wait()
		if got := b.agent.events.list(true); len(got) != 0 || b.moved("lamp") != 0 {
			t.Errorf("%+v while the power fails, want nothing", got)
		}
	})
}

// A crash in the middle: settled, never repeated, told as unknown after it.
func TestTriggerAfterACrash(t *testing.T) {
	alive(t, func(b *bench) {
		b.options.Last.SameBoot = true
		door := b.withDoor(doorOn(words("lamp", "pulse", "50s")))
		b.start()
		time.Sleep(time.Second)
		b.link.setDown(true)
		door.move(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if !b.lamp.active {
			t.Fatal("nothing moved")
		}
		b.crash()
		b.link.setDown(false)
		b.start()
		if got := b.told(); got != "before the restart: lamp pulse unknown" {
			t.Errorf("told %q", got)
		}
		if b.lamp.active || b.moved("lamp true") != 1 {
			t.Errorf("lamp active %v after %d starts", b.lamp.active, b.moved("lamp true"))
		}
		if open := b.journal.Unreported(); len(open) != 0 || b.link.count("result") != 0 {
			t.Errorf("still owed after it was told: %+v", open)
		}
	})
}

// What could not be told before a stop is told after it.
func TestTriggerIsToldAfterARestart(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorOn(words("lamp", "on")))
		b.start()
		time.Sleep(time.Second)
		b.link.setDown(true)
		door.move(true)
		time.Sleep(time.Minute)
		b.end()
		b.link.setDown(false)
		b.again()
		b.start()
		if got := b.told(); got != "before the restart: lamp on done" {
			t.Errorf("told %q", got)
		}
		b.end()
		b.again()
		b.start()
		if got := b.told(); got != "" {
			t.Errorf("told again: %q", got)
		}
	})
}

// offlineRule is the hung router: 10 min, three tries, then an hour.
func offlineRule() device.TriggerSpec {
	return device.TriggerSpec{Offline: 10 * time.Minute, Call: words("router", "cycle", "10s"), Tries: 3, Then: time.Hour}
}

// cycles is when the router was switched off, in minutes since start.
func (b *bench) cycles(since time.Time, for_ time.Duration) string {
	var at []string
	before := b.moved("router true")
	for end := time.Now().Add(for_); time.Now().Before(end); {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := b.moved("router true"); n != before {
			before = n
			at = append(at, fmt.Sprint(int(time.Since(since).Minutes())))
		}
	}
	return strings.Join(at, " ")
}

func TestOfflineTrigger(t *testing.T) {
	alive(t, func(b *bench) {
		b.withDoor(offlineRule())
		b.link.down = true
		start := time.Now()
		b.start()
		if got := b.cycles(start, 3*time.Hour); got != "10 20 30 90 100 110 171" {
			t.Errorf("cycled after minutes %s", got)
		}
		b.link.setDown(false)
		if got := b.told(); strings.Count(got, "offline 10m: router cycle 10s done") != 7 {
			t.Errorf("told %q", got)
		}
		n := b.moved("router")
		time.Sleep(time.Hour)
		if b.moved("router") != n {
			t.Error("cycled while the service is there")
		}
		b.link.setDown(true)
		start = time.Now()
		if got := b.cycles(start, 25*time.Minute); got != "10 20" && got != "10 21" { // a held poll may last 45 s more
			t.Errorf("second absence: cycled after minutes %s, want the tries anew", got)
		}
	})
	alive(t, func(b *bench) { // no then: never again until online
		rule := offlineRule()
		rule.Then, rule.Tries = 0, 0
		b.withDoor(rule)
		b.link.down = true
		b.start()
		if got := b.cycles(time.Now(), 5*time.Hour); got != "10" {
			t.Errorf("cycled after minutes %s, want once, counted from the start", got)
		}
	})
	alive(t, func(b *bench) { // a short absence is none
		b.withDoor(offlineRule())
		b.start()
		for range 10 {
			b.link.setDown(true)
			time.Sleep(9 * time.Minute)
			b.link.setDown(false)
			time.Sleep(3 * time.Minute)
		}
		if n := b.moved("router"); n != 0 {
			t.Errorf("%d edges", n)
		}
	})
}

// A restart, orderly or not, goes on with the tries; another boot begins anew.
func TestOfflineTriggerSurvivesARestart(t *testing.T) {
	for name, test := range map[string]struct {
		restart func(b *bench)
		boot    string
		want    string
	}{
		"stop":    {func(b *bench) { b.end(); b.again() }, "boot-1", "30 90"},
		"crash":   {func(b *bench) { b.crash() }, "boot-1", "30 90"},
		"reboot":  {func(b *bench) { b.crash() }, "boot-2", "35 45 55"},
		"service": {func(b *bench) { b.end(); b.again(); b.link.setDown(false) }, "boot-1", ""},
	} {
		alive(t, func(b *bench) {
			b.options.Last.SameBoot = test.boot == "boot-1"
			b.withDoor(offlineRule())
			b.link.down = true
			start := time.Now()
			b.start()
			if got := b.cycles(start, 25*time.Minute); got != "10 20" {
				t.Fatalf("%s: cycled after minutes %s", name, got)
			}
			test.restart(b)
			b.options.BootID = test.boot
			b.start()
			if got := b.cycles(start, 70*time.Minute); got != test.want {
				t.Errorf("%s: went on after minutes %s, want %s", name, got, test.want)
			}
		})
	}
	alive(t, func(b *bench) { // an absence that is over is forgotten
		b.options.Last.SameBoot = true
		b.withDoor(offlineRule())
		b.link.down = true
		b.start()
		time.Sleep(25 * time.Minute)
		b.link.setDown(false)
		time.Sleep(time.Minute)
		b.end()
		b.again()
		b.link.setDown(true)
		start := time.Now()
		b.start()
		if got := b.cycles(start, 35*time.Minute); got != "10 20 30" {
			t.Errorf("cycled after minutes %s, want the tries anew", got)
		}
	})
	alive(t, func(b *bench) { // what is overdue at the start waits until the service was asked
		b.options.Last.SameBoot = true
		b.withDoor(offlineRule())
		b.link.down = true
		b.start()
		time.Sleep(15 * time.Minute)
		b.end()
		b.again()
		time.Sleep(time.Hour)
		b.start()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := b.moved("router true"); n != 1 {
			t.Errorf("%d cycles, want none before the service was asked for a minute", n-1)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := b.moved("router true"); n != 2 {
			t.Errorf("%d cycles, want the second try", n)
		}
	})
}

// While the power fails nothing is tried, and then the time counts anew: a
// router that lost its power too has to start first.
func TestOfflineTriggerWaitsForThePower(t *testing.T) {
	alive(t, func(b *bench) {
		b.withDoor(offlineRule())
		b.options.Power = &device.PowerFailSpec{HoldUp: 10 * time.Hour, RestoredAfter: time.Second}
		b.link.down = true
		b.start()
		b.lost.Store(true)
		b.agent.PowerEdge(true)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(b.agent.events.list(true)); n != 0 {
			t.Errorf("%d calls while the power fails", n)
		}
		b.lost.Store(false)
		b.agent.PowerEdge(false)
		if got := b.cycles(time.Now(), 25*time.Minute); got != "10 20" {
			t.Errorf("cycled after minutes %s", got)
		}
	})
}

// The service that is back at the last moment stops the call; a refused one is
// no try.
func TestOfflineTriggerDoesNotMoveForNothing(t *testing.T) {
	alive(t, func(b *bench) {
		b.withDoor(offlineRule())
		b.start()
		b.agent.lostAt.Store(nil)
		if err := b.agent.stillAway(); err == nil {
			t.Error("still away while the service is there")
		}
		ans := b.agent.serveSelf(b.t.Context(), "trigger-x", words("router", "cycle", "10s"), func() error { return errors.New("expired: the service is back") })
		if ans.State != device.Expired || b.moved("router") != 0 {
			t.Errorf("got %+v", ans)
		}
	})
	alive(t, func(b *bench) {
		b.withDoor(offlineRule())
		b.link.down = true
		b.router.active = true // its load is off: there is nothing to cycle
		b.start()
		time.Sleep(35 * time.Minute)
		synctest.Wait()
		b.router.block = nil
		ans := b.agent.serveSelf(context.Background(), "trigger-y", words("router", "on"), nil)
		if ans.State != device.Done {
			t.Fatalf("got %+v", ans)
		}
		if got := b.cycles(time.Now(), 40*time.Minute); strings.Count(got, " ") != 2 {
			t.Errorf("cycled after minutes %s, want all three tries still there", got)
		}
	})
}

func TestEventsAreBounded(t *testing.T) {
	var l eventList
	var lost []string
	for i := range maxEvents + 3 {
		lost = append(lost, l.add(event{id: fmt.Sprint(i), Event: push.Event{Call: fmt.Sprint(i)}})...)
		if i == 0 {
			l.markTold([]string{"0"})
		}
	}
	if fmt.Sprint(lost) != "[1 2]" || len(l.list(true)) != maxEvents || len(l.untold()) != maxEvents || l.list(false)[0].Call != "3" {
		t.Errorf("lost %v, %d listed, %d untold", lost, len(l.list(true)), len(l.untold()))
	}
}
