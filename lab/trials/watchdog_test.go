package trials

import (
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
)

const threeOutputs = twoOutputs + `
[[output]]
name = "bell"
chip = "CHIP"
line = "GPIO23"
longest = "12h"
`

// TestWedgedIsRestarted: what never returns, a driver or a network stack, ends in a
// restart by the watchdog, and nothing else does. WatchdogSec and all limits are as
// shipped; the guest's time runs ahead while the agent hangs.
func TestWedgedIsRestarted(t *testing.T) {
	g := field.Start(t, field.Counted())
	b := field.Install(t, g, field.Serve(t), threeOutputs)
	brake := field.PutBrake(t, g)

	t.Run("hardware worker", func(t *testing.T) {
		w := steady(t, b, "set")
		w.Hold(2) // the edge back of the pulse: the line is active when the agent is ended
		call := b.Service.Send(t, b.Container.ID, "bell pulse 3s")
		w.Held(60 * time.Second)
		if other := b.Do("router cycle 500ms"); other.State != "succeeded" {
			t.Errorf("another output beside the wedged one: %+v, want succeeded", other)
		}
		healed(t, b, brake, call, "output bell")
		w.Remove()
	})
	t.Run("poll loop", func(t *testing.T) {
		w := steady(t, b, "connect")
		call := b.Service.Send(t, b.Container.ID, "bell pulse 11h")
		if _, err := b.WaitValue("GPIO23", 1, 60*time.Second); err != nil {
			t.Fatal(err)
		}
		w.Hold(1)
		b.Service.Kill() // the poll is cut and dials again at once; nothing else has a reason to
		w.Held(60 * time.Second)
		b.Service.Start(t)
		healed(t, b, brake, call, "poll")
	})
}

// steady starts the agent behind a filter of that kind of system call, with a lamp that is
// on and whose line must not move from here on.
func steady(t *testing.T, b *field.Box, call string) *field.Wedge {
	b.Sh("systemctl stop " + field.Unit)
	w := b.Wedge(call, false)
	b.Up()
	if on := b.Do("lamp on"); on.State != "succeeded" {
		t.Fatalf("lamp on: %+v", on)
	}
	b.Trace()
	return w
}

// healed waits for the watchdog, and for the box to be what it was.
func healed(t *testing.T, b *field.Box, brake *field.Brake, running field.Call, culprit string) {
	pid, wedgedAt := b.Prop("MainPID"), b.Now()
	brake.Off()
	b.Restarted(pid, 60*time.Second)
	brake.On()
	if n := b.Prop("NRestarts"); n != "1" {
		t.Errorf("%s restarts, want 1", n)
	}
	if log := b.Log(); !strings.Contains(log, "Watchdog timeout") {
		t.Errorf("systemd does not say that the watchdog did it:\n%s", log)
	}
	if got := b.Service.Follow(t, running.MessageID, 50*time.Second); got.State != "unknown" {
		t.Errorf("the running call is answered %+v, want unknown", got)
	}
	b.Still("GPIO22", 22, 1)
	if moves := b.Moves(23, 0); len(moves) != 2 || moves[0].Val != 1 {
		t.Errorf("the bell's line moved %v, want up once and down once", moves)
	}
	if cause := b.Report().Agent.Cause; cause != "watchdog: "+culprit {
		t.Errorf("the box says that its last run ended by %q, want watchdog: %s", cause, culprit)
	}
	if call := b.Do("lamp read"); call.State != "succeeded" {
		t.Errorf("after the restart: %+v, want calls served", call)
	}
	field.Figure(t, "hung to active again "+(b.Stamp("ActiveEnter")-wedgedAt).Round(100*time.Millisecond).String())
}
