package agent

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longarm/agent/journal"
	"longarm/device"
	"longarm/push"
)

// An edge makes a call to another container: in the journal before the service
// is asked, and told. Nothing moves here.
func TestTriggerCallsAnotherContainer(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorCalls(lampBox))
		b.start()
		time.Sleep(time.Minute)
		b.answers(func(_ context.Context, n int) (push.Reply, error) {
			id := b.requests()[n].id
			if e, known := b.journal.Lookup(id); !known || e.State != journal.StateStarted || e.Data != "siren on 30s" {
				t.Errorf("asked while the journal has %+v", e)
			}
			return push.CallTaken("m1"), nil
		})
		at := time.Now()
		door.move(true)
		synctest.Wait()
		all := b.requests()
		if len(all) != 1 || all[0].target != lampBox || all[0].data != "siren on 30s" || !isTrigger(all[0].id) {
			t.Fatalf("asked for %+v", all)
		}
		b.wantOneCall(at)
		b.wantTold("input door on: siren on 30s done", "to container "+lampBox+": the service took it as call m1")
		if len(b.link.log()) != 0 {
			t.Errorf("conversation %q, want none", b.link.log())
		}
		door.move(false)
		time.Sleep(time.Second)
		door.move(true)
		synctest.Wait()
		if again := b.requests(); len(again) != 2 || again[1].id == all[0].id {
			t.Errorf("a second edge asked for %+v, want a new id", again)
		}
	})
}

// "self" is this box, as is nothing.
func TestTriggerToSelf(t *testing.T) {
	alive(t, func(b *bench) {
		rule := doorOn(words("lamp", "pulse", "1s"))
		rule.To = "self"
		door := b.withDoor(rule)
		b.start()
		door.move(true)
		if got := b.told(); got != "input door on: lamp pulse 1s done" || len(b.requests()) != 0 {
			t.Errorf("told %q, asked for %+v", got, b.requests())
		}
	})
}

// Replies that are lost and services that are busy are asked again, with the
// same id, until the call's life is over.
func TestRemoteCallIsAskedAgain(t *testing.T) {
	for name, err := range map[string]error{
		"lost reply": errDown, "key refused": &push.Refusal{Status: 401}, "draining": &push.Refusal{Status: 503, RetryAfter: 5 * time.Second},
	} {
		alive(t, func(b *bench) {
			door := b.withDoor(doorCalls(lampBox))
			b.answers(func(_ context.Context, n int) (push.Reply, error) {
				if n < 4 {
					return push.Reply{}, err
				}
				return push.CallTaken("m1"), nil
			})
			b.start()
			at := time.Now()
			door.move(true)
			time.Sleep(time.Minute)
			if n := len(b.requests()); n != 5 {
				t.Errorf("%s: asked %d times, want 5", name, n)
			}
			b.wantOneCall(at)
			b.wantTold("input door on: siren on 30s done", "m1")
		})
		alive(t, func(b *bench) {
			door := b.withDoor(doorCalls(lampBox))
			b.answers(func(context.Context, int) (push.Reply, error) { return push.Reply{}, err })
			b.start()
			at := time.Now()
			door.move(true)
			time.Sleep(time.Hour)
			all := b.requests()
			if n := len(all); n < 6 || n > 60 {
				t.Errorf("%s: asked %d times in a minute", name, n)
			}
			if last := all[len(all)-1].at.Sub(at); last > remoteLife-push.MinTTL {
				t.Errorf("%s: asked for the last time after %s", name, last)
			}
			b.wantOneCall(at)
			b.wantTold("input door on: siren on 30s expired", "no answer of the service within 1m; if it took the call all the same, it lists it: ")
		})
	}
}

// The outcome of a call that nobody took is told when the service is back.
func TestRemoteCallExpiresWhileOffline(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorCalls(lampBox))
		b.start()
		time.Sleep(time.Minute)
		b.link.setDown(true)
		door.move(true)
		time.Sleep(5 * time.Minute)
		n := len(b.requests())
		b.link.setDown(false)
		time.Sleep(time.Minute)
		b.wantTold("input door on: siren on 30s expired", "to container "+lampBox)
		if len(b.requests()) != n {
			t.Error("asked for after its life")
		}
	})
}

func TestRemoteCallWaitsAsAsked(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorCalls(lampBox))
		b.answers(func(_ context.Context, n int) (push.Reply, error) {
			if n == 0 {
				return push.Reply{}, &push.Refusal{Status: 429, RetryAfter: 30 * time.Second}
			}
			return push.CallTaken("m1"), nil
		})
		b.start()
		door.move(true)
		time.Sleep(time.Minute)
		if all := b.requests(); len(all) != 2 || all[1].at.Sub(all[0].at) != 30*time.Second {
			t.Errorf("asked for %+v, want again after 30 s", all)
		}
	})
}

// What the service says no to is not asked again.
func TestRemoteCallRefused(t *testing.T) {
	for want, say := range map[string]func() (push.Reply, error){
		"signed off: update":               func() (push.Reply, error) { return push.Reply{Message: "signed off: update"}, nil },
		"service answered 403: no grant":   func() (push.Reply, error) { return push.Reply{}, &push.Refusal{Status: 403, Message: "no grant"} },
		"service answered 404 (unknown co": func() (push.Reply, error) { return push.Reply{}, &push.Refusal{Status: 404} },
		"service answered 409: this id":    func() (push.Reply, error) { return push.Reply{}, &push.Refusal{Status: 409, Message: "this id"} },
	} {
		alive(t, func(b *bench) {
			door := b.withDoor(doorCalls(lampBox))
			b.answers(func(context.Context, int) (push.Reply, error) { return say() })
			b.start()
			door.move(true)
			time.Sleep(time.Minute)
			if n := len(b.requests()); n != 1 {
				t.Errorf("%s: asked %d times", want, n)
			}
			b.wantTold("input door on: siren on 30s refused", "to container "+lampBox+": "+want)
		})
	}
}

// A run that ended before it had the answer, orderly or not, leaves the call to
// the next one: the same id, what is left of its life, or the end of it.
func TestRemoteCallSurvivesARestart(t *testing.T) {
	for name, test := range map[string]struct {
		restart func(b *bench)
		boot    string
		away    time.Duration
		want    string
		asked   bool // again
	}{
		"stop":       {func(b *bench) { b.end(); b.again() }, "boot-1", 20 * time.Second, "done", true},
		"kill":       {(*bench).crash, "boot-1", 20 * time.Second, "done", true},
		"kill, late": {(*bench).crash, "boot-1", time.Minute, "expired", false},
		"reboot":     {(*bench).crash, "boot-2", 20 * time.Second, "expired", false},
		"twice":      {func(b *bench) { b.crash(); b.start(); time.Sleep(time.Second); b.crash() }, "boot-1", 20 * time.Second, "done", true},
	} {
		alive(t, func(b *bench) {
			door := b.withDoor(doorCalls(lampBox))
			b.options.Last.SameBoot = test.boot == "boot-1"
			b.answers(func(ctx context.Context, _ int) (push.Reply, error) { // it has the call, the reply is lost
				<-ctx.Done()
				return push.Reply{}, ctx.Err()
			})
			b.start()
			time.Sleep(time.Second)
			at := time.Now()
			door.move(true)
			synctest.Wait()
			if len(b.requests()) != 1 {
				t.Fatalf("%s: asked %d times", name, len(b.requests()))
			}
			test.restart(b)
			before := len(b.requests())
			time.Sleep(test.away)
			b.options.BootID = test.boot
			b.answers(nil)
			b.start()
			b.wantTold("before the restart: siren on 30s "+test.want, "to container "+lampBox)
			if again := len(b.requests()) > before; again != test.asked {
				t.Errorf("%s: asked again %v, want %v", name, again, test.asked)
			}
			b.wantOneCall(at)
			n := len(b.requests())
			b.end()
			b.again()
			b.start()
			if got := b.told(); got != "" || len(b.requests()) != n {
				t.Errorf("%s: told again %q, asked %d times", name, got, len(b.requests()))
			}
		})
	}
}

// A crash after the journal has the call and before it has what was begun:
// nothing was asked for, and nothing is.
func TestRemoteCallThatWasNotBegun(t *testing.T) {
	alive(t, func(b *bench) {
		b.withDoor(doorCalls(lampBox))
		b.openJournal()
		if _, _, err := b.journal.Received(journal.Received{ID: triggerPrefix + "x", Data: "siren on 30s"}); err != nil {
			t.Fatal(err)
		}
		if err := b.journal.Close(); err != nil {
			t.Fatal(err)
		}
		b.openJournal()
		b.start()
		b.wantTold("before the restart: siren on failed", "not started")
		if len(b.requests()) != 0 {
			t.Errorf("asked for %+v", b.requests())
		}
	})
}

// A call that hangs holds up neither the stop nor calls to this box.
func TestRemoteCallHoldsNothingUp(t *testing.T) {
	bubble(t, func(b *bench) {
		local := doorOn(words("lamp", "pulse", "1s"))
		door := b.withDoor(doorCalls(lampBox), local)
		b.answers(func(ctx context.Context, _ int) (push.Reply, error) {
			<-ctx.Done()
			return push.Reply{}, ctx.Err()
		})
		b.start()
		for range 10 {
			door.move(true)
			door.move(false)
			time.Sleep(3 * time.Second)
		}
		if n := b.moved("lamp true"); n != 10 {
			t.Errorf("%d pulses beside the call that hangs, want 10", n)
		}
		b.call("c1", "lamp pulse 1s")
		time.Sleep(2 * time.Second)
		b.wantState("c1", "done")
		for _, r := range b.requests() {
			if r.id != b.requests()[0].id {
				t.Errorf("an edge made a second call while the first one is asked for: %+v", b.requests())
			}
		}
		start := time.Now()
		b.end()
		if took := time.Since(start); took != 0 || b.link.count("signoff") != 1 {
			t.Errorf("the stop took %s, %d sign-offs", took, b.link.count("signoff"))
		}
	})
}

// A stop takes the connection back at once: the last words need it.
func TestRemoteCallLeavesTheLastWordsAlone(t *testing.T) {
	bubble(t, func(b *bench) {
		door := b.withDoor(doorCalls(lampBox))
		var left time.Time
		b.answers(func(ctx context.Context, _ int) (push.Reply, error) {
			<-ctx.Done()
			left = time.Now()
			return push.Reply{}, ctx.Err()
		})
		b.start()
		time.Sleep(time.Minute)
		b.link.stuck.Store(true) // the last report takes a while
		door.move(true)
		synctest.Wait()
		stop := time.Now()
		b.end()
		if took := time.Since(stop); took < time.Second || !left.Equal(stop) {
			t.Errorf("given up %s after the stop began, which took %s; want at once", left.Sub(stop), took)
		}
	})
}

// The limits are those of a call to this box.
func TestRemoteCallHoldsTheLimits(t *testing.T) {
	alive(t, func(b *bench) {
		door := b.withDoor(doorCalls(lampBox))
		b.options.SafeMode = true
		b.start()
		door.move(true)
		b.wantTold("input door on: siren on 30s refused", "safe mode")
		if len(b.requests()) != 0 {
			t.Errorf("asked for %+v", b.requests())
		}
	})
	alive(t, func(b *bench) { // the power fails while the call is asked for: the connection is the sign-off's
		door := b.withDoor(doorCalls(lampBox))
		b.options.Power = &device.PowerFailSpec{HoldUp: time.Hour, RestoredAfter: time.Second}
		b.answers(func(_ context.Context, n int) (push.Reply, error) { return push.Reply{}, errDown })
		b.start()
		door.move(true)
		time.Sleep(5 * time.Second)
		b.lost.Store(true)
		b.agent.PowerEdge(true)
		synctest.Wait()
		n := len(b.requests())
		time.Sleep(15 * time.Second)
		if got := len(b.requests()); n == 0 || got != n {
			t.Errorf("asked %d times before and %d while the power fails", n, got-n)
		}
		b.lost.Store(false)
		b.agent.PowerEdge(false)
		b.answers(nil)
		b.wantTold("input door on: siren on 30s done", "m1")
	})
	alive(t, func(b *bench) { // at most one a second, sixty an hour
		door := b.withDoor(doorCalls(lampBox))
		b.start()
		for range 700 {
			door.move(true)
			door.move(false)
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
		}
		all := b.requests()
		if len(all) != triggerHourly {
			t.Errorf("%d calls within the hour, want %d", len(all), triggerHourly)
		}
		for i := range len(all) - 1 {
			if gap := all[i+1].at.Sub(all[i].at); gap < triggerSpacing {
				t.Errorf("calls %d and %d are %s apart", i, i+1, gap)
			}
		}
	})
	alive(t, func(b *bench) { // a journal that cannot be written
		door := b.withDoor(doorCalls(lampBox))
		b.start()
		if err := b.journal.Close(); err != nil {
			t.Fatal(err)
		}
		door.move(true)
		synctest.Wait()
		if all := b.agent.events.list(true); len(all) != 1 || all[0].State != device.Refused || !strings.Contains(all[0].Detail, "the journal can't be written") || len(b.requests()) != 0 {
			t.Errorf("told %+v, asked for %+v", all, b.requests())
		}
	})
}
