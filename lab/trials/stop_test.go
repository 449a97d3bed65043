package trials

import (
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// TestStopSettlesThenSignsOff: systemctl stop in the middle of a pulse. The agent is held
// at the last system call of its life: what the service knows then, it knew before.
func TestStopSettlesThenSignsOff(t *testing.T) {
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Install(t, g, field.Serve(t), longActions)
	w := b.Wedge("exit", false)
	b.Up()
	b.Trace()
	running := b.Service.Send(t, b.Container.ID, "lamp pulse 1h")
	if _, err := b.WaitValue("GPIO22", 1, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	w.Hold(1)
	stopped := b.Now()
	b.Sh("systemctl stop --no-block " + field.Unit)
	w.Held(30 * time.Second)
	gone := b.Now()

	box := b.Service.Look(t, b.Container.ID)
	call := b.Service.Follow(t, running.MessageID, time.Second)
	if box.State != "signed-off" || box.Reason != "shutdown" {
		t.Errorf("before the process ended the service says %s, %q; want signed-off, shutdown", box.State, box.Reason)
	}
	if call.State != "failed" || call.Result.Data.Detail != "ended by stop" || len(call.Result.Data.Edges) != 2 {
		t.Errorf("the running pulse is answered %+v, want failed: ended by stop, with both edges", call)
	}
	if closed, off := at(t, call.At.Closed), at(t, box.LastSeen); off.Before(closed) {
		t.Errorf("signed off at %v, before the answer at %v; want it last", off, closed)
	}
	moves := b.Moves(22, 0)
	if len(moves) != 2 || moves[1].Val != 0 || moves[1].At < stopped || moves[1].At > gone {
		t.Errorf("the line moved %v, want it back between stop (%v) and end (%v)", moves, stopped, gone)
	}
	w.Release()
	field.Until(t, "the unit is inactive", 30*time.Second, func() bool { return b.Prop("ActiveState") == "inactive" })
	if result := b.Prop("Result"); result != "success" {
		t.Errorf("the unit ended with %s, want success", result)
	}
	field.Figure(t, "stop to last call "+(gone-stopped).Round(10*time.Millisecond).String())
}

func at(t *testing.T, stamp string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return when
}
