package trials

import (
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

// bootLines are relays as they hang on real boards: pulled to where they are released, and
// one that a pull-up closes until the agent is there.
const bootLines = `
[[output]]
name = "high"
chip = "CHIP"
line = "GPIO17"
[[output]]
name = "low"
chip = "CHIP"
line = "GPIO7"
active_low = true
[[output]]
name = "pulled"
chip = "CHIP"
line = "GPIO5"
[[output]]
name = "nc"
chip = "CHIP"
line = "GPIO22"
contact = "nc"
[[output]]
name = "nc-low"
chip = "CHIP"
line = "GPIO8"
contact = "nc"
active_low = true
`

// TestCleanBootMovesNoLine: a cold boot with the agent enabled, traced from before the
// chips are there. Every line is only ever set to its safe level, which is where its pull
// has it; the one that is pulled to active goes to safe in one step, and is not adopted.
func TestCleanBootMovesNoLine(t *testing.T) {
	field.Need(t)
	service := field.Serve(t)
	disk := field.RootDisk(t)
	first := field.Start(t, guest.Options{Mode: "systemd", Disk: disk})
	b := field.Packaged(t, first, service, bootLines, field.Deb(t, "1.0.0"))
	b.Sh("sync")
	first.Kill()

	chip := guest.PiChip()
	chip.Pulls = map[int]int{7: 1, 5: 1, 8: 1}
	options := guest.Options{Mode: "systemd", Disk: disk, Trace: true}
	options.Chips = append(options.Chips, chip)
	b = b.On(field.Start(t, options))
	b.Await("online", 2*time.Minute)
	for _, l := range []struct {
		line        string
		offset, set int
	}{{"GPIO17", 17, 0}, {"GPIO7", 7, 1}, {"GPIO5", 5, 0}, {"GPIO22", 22, 0}, {"GPIO8", 8, 1}} {
		sets := b.Edges(l.offset)
		if len(sets) == 0 {
			t.Errorf("%s was never driven", l.line)
		}
		for _, e := range sets {
			if e.Val != l.set {
				t.Errorf("%s was set to %d at %v, want only ever %d", l.line, e.Val, e.At, l.set)
			}
		}
		if v, err := b.Value(l.line); err != nil || v != l.set {
			t.Errorf("%s is at %d, %v; want %d", l.line, v, err, l.set)
		}
	}
	if call := b.Do("nc read"); call.State != "succeeded" || call.Result.Data.Load != "on" {
		t.Errorf("nc read: %+v, want its load on", call)
	}
}
