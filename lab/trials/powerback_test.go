package trials

import (
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
)

// A pulse that runs when the power fails is ended, and its caller learns why.
func TestPowerFailEndsAPulse(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail(`restored_after = "200ms"`))
	call := b.Service.Send(t, b.Container.ID, "lamp pulse 10s")
	level(t, b, "GPIO22", 1)
	power(t, b, true)
	heard.Await(t, "signed-off power-fail", 10*time.Second)
	level(t, b, "GPIO22", 0)
	c := b.Service.Follow(t, call.MessageID, 20*time.Second)
	if c.State != "failed" || c.Result.Data.State != "failed" || c.Result.Data.Detail != "power" || c.Result.Data.Active {
		t.Errorf("the pulse: %+v, want failed, power, and the line inactive", c)
	}
	power(t, b, false)
	heard.Await(t, "online", 10*time.Second)
	must(t, b, "router off")
	if es := b.Edges(22); len(es) != 3 || es[1].Val != 1 || es[2].Val != 0 || es[2].At-es[1].At > 5*time.Second {
		t.Errorf("the line of the pulse was set %v, want once at start, then on, then off by the power-fail", es)
	}
}

// The power comes back while the sign-off is under way: the service is held still, so that
// its reply can't come. The outputs do not wait for it, and the box signs on again by itself.
func TestPowerBackDuringTheSignOff(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail("hold_up = \"2s\"\nrestored_after = \"200ms\""))
	must(t, b, "lamp on")
	b.Quiet()
	pid := b.Prop("MainPID")
	before := len(heard.Heard())
	b.Service.Freeze(t)
	at := power(t, b, true)
	level(t, b, "GPIO22", 0)
	sent := slices.ContainsFunc(b.Packets(), func(p field.Packet) bool { return p.Sent && p.At >= at })
	power(t, b, false)
	b.Service.Thaw(t)
	if !sent {
		t.Error("no sign-off was sent before the outputs moved")
	}
	field.Until(t, "online again", 15*time.Second, func() bool {
		return slices.Equal(heard.Heard()[before:], []string{"signed-off power-fail", "online"})
	})
	must(t, b, "lamp on")
	if now := b.Prop("MainPID"); now != pid {
		t.Errorf("another process serves: %s, before %s", now, pid)
	}
}

// A loss that debounce lets through, but shorter than lost_after, is told and moves nothing.
func TestShortLossMovesNothing(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail("hold_up = \"20s\"\nlost_after = \"10s\"\nrestored_after = \"200ms\""))
	must(t, b, "lamp on")
	b.ForgetTrace()
	before := len(heard.Heard())
	power(t, b, true)
	heard.Await(t, "signed-off power-fail", 10*time.Second)
	power(t, b, false)
	field.Until(t, "online again", 25*time.Second, func() bool {
		return slices.Equal(heard.Heard()[before:], []string{"signed-off power-fail", "online"})
	})
	for _, offset := range []int{17, 22, 23, 24} {
		if es := b.Edges(offset); len(es) > 0 {
			t.Errorf("GPIO%d was set: %v", offset, es)
		}
	}
}

// A line that says "lost" at start may be one of the wrong polarity: the box says so and
// serves. Once the line has said that all is well, it is believed.
func TestLineLostAtStartIsNotArmed(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail(`restored_after = "200ms"`))
	b.Sh("systemctl stop " + field.Unit)
	power(t, b, true)
	b.Up()
	field.Until(t, "the report says that the line is not armed", 10*time.Second, func() bool {
		return b.Report().Fault("says lost at start: not armed") != ""
	})
	must(t, b, "lamp on")
	if v, err := b.Value("GPIO22"); v != 1 || err != nil {
		t.Errorf("the lamp's line is %d, %v; want 1", v, err)
	}
	power(t, b, false)
	field.Until(t, "the report has no fault", 10*time.Second, func() bool { return len(b.Report().Agent.Faults) == 0 })
	power(t, b, true)
	heard.Await(t, "signed-off power-fail", 10*time.Second)
	level(t, b, "GPIO22", 0)
}

// A box with a battery outlives hold_up: it signs on again, says why, and serves. When the
// power is back it says nothing more, and the next power-fail is one again.
func TestLifeOnBattery(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail("hold_up = \"1s\"\nrestored_after = \"200ms\""))
	must(t, b, "lamp on")
	before := len(heard.Heard())
	power(t, b, true)
	heard.Await(t, "signed-off power-fail", 10*time.Second)
	heard.Await(t, "online", 15*time.Second)
	field.Until(t, "the report says on battery", 10*time.Second, func() bool { return b.Report().Fault("on battery") != "" })
	must(t, b, "lamp on")
	level(t, b, "GPIO22", 1)
	power(t, b, false)
	field.Until(t, "the report has no fault", 10*time.Second, func() bool { return len(b.Report().Agent.Faults) == 0 })
	if v, err := b.Value("GPIO22"); v != 1 || err != nil {
		t.Errorf("the lamp's line is %d, %v when the power is back; want 1", v, err)
	}
	power(t, b, true)
	heard.Await(t, "signed-off power-fail", 10*time.Second)
	level(t, b, "GPIO22", 0)
	if got := heard.Heard()[before:]; !slices.Equal(got, []string{"signed-off power-fail", "online", "signed-off power-fail"}) {
		t.Errorf("the service tells %q", got)
	}
}

// A call to a box that is dark, when nobody knows that yet: the path is cut before the
// power, so that the sign-off can't come through. The call's bytes wait on the way and reach
// the box after the call's life. Nothing moves, then and when the power is back.
func TestCallToADarkBoxIsNotDoneLate(t *testing.T) {
	b, heard := powered(t, fourOutputs+powerFail("hold_up = \"60s\"\nrestored_after = \"200ms\""))
	if err := b.SetLink(false); err != nil {
		t.Fatal(err)
	}
	power(t, b, true)
	call, err := b.Service.SendFor(t, b.Container.ID, "lamp on", 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if c := b.Service.Follow(t, call.MessageID, 20*time.Second); c.State != "expired" {
		t.Errorf("the call is %s after its life, want expired", c.State)
	}
	if err := b.SetLink(true); err != nil {
		t.Fatal(err)
	}
	heard.Await(t, "signed-off power-fail", 30*time.Second)
	field.Until(t, "the call reaches the box", 30*time.Second, func() bool {
		return strings.Contains(b.Log(), "call done\" call="+call.MessageID)
	})
	power(t, b, false)
	heard.Await(t, "online", 30*time.Second)
	must(t, b, "lamp read")
	if c := b.Service.Follow(t, call.MessageID, time.Second); c.State != "expired" {
		t.Errorf("the call is %s in the end, want expired", c.State)
	}
	if es := b.Edges(22); len(es) != 1 { // at start
		t.Errorf("the lamp's line was set: %v", es)
	}
}
