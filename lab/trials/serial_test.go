package trials

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// Frames of an LCUS board (hardware.md 1.1), in hexadecimal: relay 1 on and off, relay 2 on
// and off, and the byte that asks for all states.
const (
	sirenOn, sirenOff = "A00101A2", "A00100A1"
	pumpOn, pumpOff   = "A00201A3", "A00200A2"
	askStates         = "FF"
)

// relayBoard is a box with an LCUS board behind its USB adapter, named by the path of the
// adapter's port, and a lamp at a line of its own. The agent is not started yet.
func relayBoard(t *testing.T) (*field.Box, *field.Relays) {
	t.Helper()
	g := field.Start(t, guest.Options{Booted: true, Serial: "usb"})
	relays := field.WireBoard(t, g, 4)
	b := field.Install(t, g, field.Serve(t), boardAt(field.SerialPath(t, g)))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the agent's log:\n%s\nthe board got %s", b.Log(), relays.Got())
		}
	})
	return b, relays
}

func boardAt(path string) string {
	return twoOutputs + fmt.Sprintf(`
[[board]]
name = "usb1"
driver = "lcus"
port = %q
channels = 4
[[output]]
name = "siren"
board = "usb1"
channel = 1
longest = "5m"
[[output]]
name = "pump"
board = "usb1"
channel = 2
`, path)
}

// TestNoByteOnOpen: opening the port sends nothing, at a start, at a clean restart, after a
// SIGKILL and when the adapter is back; and then a call is its own bytes, no more.
func TestNoByteOnOpen(t *testing.T) {
	b, relays := relayBoard(t)
	silent := func(when string) {
		t.Helper()
		b.Holds("ttyUSB", 30*time.Second)
		if got := relays.Got(); got != "" {
			t.Errorf("%s the board gets %s, want not one byte", when, got)
		}
	}
	b.Up()
	silent("at a start")
	b.Sh("systemctl restart " + field.Unit)
	silent("at a restart")
	pid := b.Prop("MainPID")
	b.Sh("systemctl kill -s KILL " + field.Unit)
	b.Restarted(pid, 30*time.Second)
	silent("after a SIGKILL")
	relays.Unplug()
	loses(t, b)
	relays.Plug()
	silent("after a re-plug")

	call := b.Do("siren on")
	if d := call.Result.Data; call.State != "succeeded" || d.State != "done" || d.Proof != "readback" || !d.Active || d.Load != "on" {
		t.Errorf("siren on: %+v, want it done, read back, active", call)
	}
	if got := relays.Got(); strings.ReplaceAll(got, askStates, "") != sirenOn {
		t.Errorf("the call sent %s, want %s once, and questions", got, sirenOn)
	}
	relays.Await(time.Second, "1 on")
	relays.Forget()
	b.Sh("systemctl restart " + field.Unit)
	silent("at a restart with a relay that is on,")
}

// TestUnpluggedInACommand: the adapter is pulled out when the board has the frame and the
// agent has no proof. Nobody can say what became of it.
func TestUnpluggedInACommand(t *testing.T) {
	b, relays := relayBoard(t)
	b.Up()
	b.Holds("ttyUSB", 30*time.Second)
	pid := b.Prop("MainPID")

	relays.UnplugAt(sirenOn)
	call := b.Do("siren on")
	if d := call.Result.Data; call.State != "unknown" || d.State != "unknown" || d.Load != "unknown" || !strings.Contains(d.Detail, "board usb1: ") {
		t.Errorf("siren on: %+v, want unknown, of board usb1", call)
	}
	loses(t, b)
	for target, load := range map[string]string{"siren": "unknown", "pump": "unknown", "lamp": "off"} {
		if got := b.Report().Load(target); got != load {
			t.Errorf("without the board the box says that %s is %q, want %s", target, got, load)
		}
	}
	if other := b.Do("lamp on"); other.State != "succeeded" {
		t.Errorf("another target meanwhile: %+v, want it served", other)
	}
	if other := b.Do("pump on"); other.State != "failed" || !strings.Contains(other.Result.Data.Detail, "did not move: board usb1: ") {
		t.Errorf("another channel meanwhile: %+v, want failed, nothing moved, with the reason", other)
	}

	at := b.Now()
	relays.Plug()
	relays.Await(30*time.Second, "1 on", "1 off") // settled, since nobody knew
	field.Figure(t, "unknown, then settled "+(b.Now()-at).Round(10*time.Millisecond).String()+" after the re-plug")
	field.Until(t, "the box says that the board is back", 30*time.Second, func() bool { return b.Report().Load("siren") == "off" })
	if next := b.Do("pump on"); next.State != "succeeded" || next.Result.Data.Proof != "readback" {
		t.Errorf("the next call: %+v, want it done and read back", next)
	}
	relays.Await(time.Second, "1 on", "1 off", "2 on")
	if got := strings.Count(relays.Got(), sirenOn); got != 1 {
		t.Errorf("the interrupted command was sent %d times, want once", got)
	}
	sameProcess(t, b, pid)
}

// TestUnpluggedInAPulse: a pulse and a lease whose board vanished end as soon as it is back,
// long before their time.
func TestUnpluggedInAPulse(t *testing.T) {
	b, relays := relayBoard(t)
	b.Up()
	b.Holds("ttyUSB", 30*time.Second)
	pid := b.Prop("MainPID")
	if call := b.Do("pump on 9m"); call.State != "succeeded" {
		t.Fatalf("pump on 9m: %+v", call)
	}
	pulse := b.Service.Send(t, b.Container.ID, "siren pulse 4m")
	field.Until(t, "the pulse runs", 20*time.Second, func() bool { return b.Report().Load("siren") == "on" })
	relays.Unplug()
	loses(t, b)
	relays.Plug()
	field.Until(t, "both are settled", 30*time.Second, func() bool { return len(relays.Moves()) >= 4 })
	moves := relays.Moves()
	slices.Sort(moves[2:])
	if want := []string{"2 on", "1 on", "1 off", "2 off"}; !slices.Equal(moves, want) {
		t.Errorf("the relays did %q, want %q", moves, want)
	}
	call := b.Service.Follow(t, pulse.MessageID, 30*time.Second)
	if call.State != "unknown" || call.Result.Data.State != "unknown" {
		t.Errorf("the pulse: %+v, want unknown", call)
	}
	field.Until(t, "the box says that both are off", 30*time.Second, func() bool {
		return b.Report().Load("siren") == "off" && b.Report().Load("pump") == "off"
	})
	if next := b.Do("siren pulse 500ms"); next.State != "succeeded" || len(next.Result.Data.Edges) != 2 {
		t.Errorf("the next pulse: %+v, want it done", next)
	}
	sameProcess(t, b, pid)
}

// TestAdapterThatComesLate: the first adapter of its kind is put in, and the kernel's module
// for it loaded, long after the agent was started. The unit's list of devices has it too.
func TestAdapterThatComesLate(t *testing.T) {
	b, relays := relayBoard(t)
	relays.Unplug()
	field.Until(t, "the adapter is gone", 10*time.Second, func() bool {
		_, code, err := b.Run("/bin/ls", "/dev/ttyUSB0")
		return err == nil && code != 0
	})
	b.Sh("rmmod ftdi_sio usbserial; ! grep ttyUSB /proc/devices")
	b.Up()
	loses(t, b)
	pid := b.Prop("MainPID")
	for _, module := range []string{"usbserial", "ftdi_sio"} {
		b.LoadModule(module)
	}
	relays.Plug()
	b.Holds("ttyUSB", 30*time.Second)
	if call := b.Do("siren on"); call.State != "succeeded" {
		t.Errorf("siren on: %+v, want it done", call)
	}
	sameProcess(t, b, pid)
}

// loses waits until the box says that its board is gone, and why.
func loses(t *testing.T, b *field.Box) {
	t.Helper()
	field.Until(t, "the box says that the board is gone", 20*time.Second, func() bool {
		for _, target := range b.Report().Targets {
			if target.Name == "pump" && strings.Contains(target.Detail, "board usb1: ") {
				return true
			}
		}
		return false
	})
}

// sameProcess wants that the agent was never restarted.
func sameProcess(t *testing.T, b *field.Box, pid string) {
	t.Helper()
	if now, n := b.Prop("MainPID"), b.Prop("NRestarts"); now != pid || n != "0" {
		t.Errorf("process %s after %s restarts, want still %s and none", now, n, pid)
	}
}
