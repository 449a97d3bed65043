package trials

import (
	"fmt"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// settleLimit is twice the promise of a second: a Counted guest's processor is about a
// Raspberry Pi Zero's whatever the host does, but its disk is a file of a host that is busy.
const settleLimit = 2 * time.Second

// TestKilledInAction: SIGKILL in the middle of a pulse and of a cycle. The next agent
// settles it within a second, the call is answered `unknown`, and nothing moves again.
func TestKilledInAction(t *testing.T) {
	g := field.Start(t, field.Counted())
	b := field.Install(t, g, field.Serve(t), longActions)
	brake := field.PutBrake(t, g)
	b.Up()
	for _, c := range []struct {
		call, line string
		offset     int
	}{
		{"lamp pulse 20m", "GPIO22", 22},
		{"router cycle 20m", "GPIO17", 17}, // nc: load off is active, back on is inactive
	} {
		t.Run(c.call, func(t *testing.T) {
			b.Trace()
			pid := b.Prop("MainPID")
			call := b.SendInTime(brake, c.call)
			if _, err := b.WaitValue(c.line, 1, 60*time.Second); err != nil {
				t.Fatal(err)
			}
			b.Sh("systemctl kill -s KILL " + field.Unit)
			b.Restarted(pid, 60*time.Second)
			got := b.Service.Follow(t, call.MessageID, 50*time.Second)
			if got.State != "unknown" || got.Result.Data.State != "unknown" {
				t.Errorf("%s is answered %+v, want unknown", c.call, got)
			}
			brake.Off()
			b.Sh("sleep 1500") // the width, had it gone on, or anything repeated
			brake.On()
			settled(t, b, c.offset)
		})
	}
}

// settled looks at the trace of a line that was active when the agent was killed.
func settled(t *testing.T, b *field.Box, offset int) {
	killed, moves := b.Killed("longarm-agent"), b.Moves(offset, 0)
	if len(killed) == 0 {
		t.Fatal("the trace has no SIGKILL")
	}
	if len(moves) != 2 || moves[0].Val != 1 || moves[1].Val != 0 {
		t.Fatalf("the line moved %v, want up once and down once", moves)
	}
	took := moves[1].At - killed[0]
	if took <= 0 || took > settleLimit {
		t.Errorf("settled %v after the kill, want at most %v", took, settleLimit)
	}
	if freed := b.Freed(offset); len(freed) > 0 {
		t.Errorf("the line was let go at %v: its level was the driver's choice", freed)
	}
	field.Figure(t, fmt.Sprintf("settled %.2f s after the kill", took.Seconds()))
}

const longActions = `
[[output]]
name = "router"
chip = "CHIP"
line = "GPIO17"
contact = "nc"
longest = "12h"
[[output]]
name = "lamp"
chip = "CHIP"
line = "GPIO22"
longest = "12h"
`

// fourLines are steady outputs of all kinds: on and off, active high and active low.
const fourLines = `
[[output]]
name = "on"
chip = "CHIP"
line = "GPIO5"
[[output]]
name = "off"
chip = "CHIP"
line = "GPIO6"
[[output]]
name = "on-low"
chip = "CHIP"
line = "GPIO7"
active_low = true
[[output]]
name = "off-low"
chip = "CHIP"
line = "GPIO8"
active_low = true
`

// steadyLines says at which level each of fourLines is once the loads are as they are named.
var steadyLines = []struct {
	line          string
	offset, level int
}{{"GPIO5", 5, 1}, {"GPIO6", 6, 0}, {"GPIO7", 7, 0}, {"GPIO8", 8, 1}}

// TestRestartMovesNoLine: SIGKILL and a restart, and a clean restart, with each line pulled
// down and pulled up.
func TestRestartMovesNoLine(t *testing.T) {
	g := field.Start(t, guest.Options{Booted: true})
	b := field.Install(t, g, field.Serve(t), fourLines)
	for pull, name := range []string{"pulled down", "pulled up"} {
		t.Run(name, func(t *testing.T) {
			b.Sh("systemctl stop " + field.Unit)
			for _, l := range steadyLines {
				if _, err := b.Pull(l.line, pull); err != nil {
					t.Fatal(err)
				}
			}
			b.Up()
			switchOn(t, b)
			b.Trace()
			for range 3 {
				pid := b.Prop("MainPID")
				b.Sh("systemctl kill -s KILL " + field.Unit)
				b.Restarted(pid, 30*time.Second)
			}
			b.Sh("systemctl restart " + field.Unit)
			field.Until(t, "online again", time.Minute, func() bool { return b.Report().Agent.Cause == "shutdown" })
			for _, l := range steadyLines {
				b.Still(l.line, l.offset, l.level)
			}
		})
	}
}

// switchOn brings the loads of fourLines to what their names say.
func switchOn(t *testing.T, b *field.Box) {
	t.Helper()
	for _, name := range []string{"on", "on-low"} {
		if call := b.Do(name + " on"); call.State != "succeeded" {
			t.Fatalf("%s on: %+v", name, call)
		}
	}
	for _, name := range []string{"off", "off-low"} {
		if call := b.Do(name + " off"); call.State != "succeeded" {
			t.Fatalf("%s off: %+v", name, call)
		}
	}
	for _, l := range steadyLines {
		if v, err := b.Value(l.line); err != nil || v != l.level {
			t.Fatalf("%s is at %d, %v; want %d before anything happens", l.line, v, err, l.level)
		}
	}
}
