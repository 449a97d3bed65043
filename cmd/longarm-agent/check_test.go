package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longarm/agent/config"
	"longarm/device"
	"longarm/hw/gpio"
)

// fakeLines describes the lines of one chip, by name.
type fakeLines map[string]gpio.Info

func (f fakeLines) describe(_, line string) (gpio.Info, error) {
	info, ok := f[line]
	if !ok {
		return gpio.Info{}, fmt.Errorf("line %q: %w", line, gpio.ErrNotFound)
	}
	info.Chip, info.Label, info.Name = "/dev/gpiochip0", "soc", line
	return info, nil
}

// someLines are lines in each state that the kernel tells.
func someLines() fakeLines {
	return fakeLines{
		"OUT":    {Offset: 1, Direction: "output"},
		"OUT2":   {Offset: 2, Direction: "output"},
		"IN":     {Offset: 3, Direction: "input"},
		"IN2":    {Offset: 4, Direction: "input"},
		"OURS":   {Offset: 5, Direction: "output", Used: true, Consumer: "longarm:router"},
		"THEIRS": {Offset: 6, Direction: "output", Used: true, Consumer: "sysfs"},
		"KERNEL": {Offset: 7, Direction: "input", Used: true},
		"ALIAS":  {Offset: 1, Direction: "output"},
	}
}

// realChecker is a checker of real lines and of ports that are there.
func realChecker(spec device.Spec, lines fakeLines) *checker {
	return &checker{
		cfg: config.Config{Device: spec}, taken: map[string]string{}, describe: lines.describe,
		port: func(path string) error {
			if strings.Contains(path, "gone") {
				return fmt.Errorf("port %s: %w", path, os.ErrNotExist)
			}
			return nil
		},
	}
}

func TestCheckSaysHowARealLineStands(t *testing.T) {
	lock := []device.InterlockSpec{{Outputs: []string{"x", "y"}, DeadTime: time.Second}}
	in := func(line string) device.LineRef { return device.LineRef{Line: line} }
	for _, test := range []struct {
		name       string
		x          device.OutputSpec
		y          device.OutputSpec // with a name: they are in an interlock
		lockout    bool
		now, start string
		fault      string
	}{
		{name: "output is adopted", x: device.OutputSpec{Line: in("OUT")},
			now: "output, level not known until opened", start: "nothing: level is adopted"},
		{name: "and counts from the start", x: device.OutputSpec{Line: in("OUT"), MaxOn: 90 * time.Minute},
			now: "output, level not known until opened", start: "nothing: level is adopted, load on for at most 1h30m"},
		{name: "input is driven", x: device.OutputSpec{Line: in("IN")},
			now: "input, level not known until opened", start: "line goes inactive, load off (safe)"},
		{name: "input of a closed contact", x: device.OutputSpec{Line: in("IN"), Contact: "nc", Safe: "off"},
			now: "input, level not known until opened", start: "line goes active, load off (safe)"},
		{name: "held by the agent", x: device.OutputSpec{Line: in("OURS")},
			now: "output, held by longarm:router", start: "nothing: level is adopted"},
		{name: "held by another", x: device.OutputSpec{Line: in("THEIRS")},
			now: "output, in use", start: "not served", fault: `output x: line 6 (THEIRS) of chip soc is in use by "sysfs"`},
		{name: "held by the kernel", x: device.OutputSpec{Line: in("KERNEL")},
			now: "input, in use", start: "not served", fault: "output x: line 7 (KERNEL) of chip soc is in use by the kernel or an unnamed process"},
		{name: "not there", x: device.OutputSpec{Line: in("NO")},
			now: "not found", start: "not served", fault: `output x: line "NO": not found`},
		{name: "at_start on", x: device.OutputSpec{Line: in("OUT"), AtStart: "on"},
			now: "output, level not known until opened", start: "line goes active, load on, unless it is so already"},
		{name: "at_start of an input", x: device.OutputSpec{Line: in("IN"), AtStart: "on"},
			now: "input, level not known until opened", start: "line goes active, load on"},
		{name: "at_start with a lock-out", x: device.OutputSpec{Line: in("IN"), AtStart: "on"}, lockout: true,
			now: "input, level not known until opened", start: "line goes active, load on, unless locked out"},
		{name: "towards safe no lock-out counts", x: device.OutputSpec{Line: in("IN"), AtStart: "off"}, lockout: true,
			now: "input, level not known until opened", start: "line goes inactive, load off"},
		{name: "member of an interlock goes on later", x: device.OutputSpec{Line: in("OUT"), AtStart: "on"}, y: device.OutputSpec{Name: "y", Line: in("OUT2")},
			now: "output, level not known until opened", start: "line goes active, load on after the dead time, when the others are off, unless it is so already"},
		{name: "and is first driven off", x: device.OutputSpec{Line: in("IN"), Contact: "nc"}, y: device.OutputSpec{Name: "y", Line: in("OUT2")},
			now: "input, level not known until opened", start: "load off; then line goes inactive, load on after the dead time, when the others are off (safe)"},
		{name: "the other one goes off for it", x: device.OutputSpec{Line: in("OUT")}, y: device.OutputSpec{Name: "y", Line: in("OUT2"), AtStart: "on"},
			now: "output, level not known until opened", start: "line goes inactive, load off: y goes on"},
		{name: "not for one that is not there", x: device.OutputSpec{Line: in("OUT")}, y: device.OutputSpec{Name: "y", Line: in("NO"), AtStart: "on"},
			now: "output, level not known until opened", start: "nothing: level is adopted", fault: `output y: line "NO": not found`},
	} {
		test.x.Name = "x"
		spec := device.Spec{Outputs: []device.OutputSpec{test.x}}
		if test.y.Name != "" {
			spec.Outputs, spec.Interlocks = append(spec.Outputs, test.y), lock
		}
		if test.lockout {
			spec.Lockout = &device.InputSpec{Line: in("IN2")}
		}
		k := realChecker(spec, someLines())
		k.rows()
		x := k.outs[0]
		if x.now != test.now || k.start(x) != test.start {
			t.Errorf("%s: now %q, start %q, want %q, %q", test.name, x.now, k.start(x), test.now, test.start)
		}
		if want := "fault   " + test.fault + "\n"; test.fault == "" && k.notes != "" || test.fault != "" && k.notes != want {
			t.Errorf("%s: notes %q, want %q", test.name, k.notes, want)
		}
	}
}

func TestCheckSaysHowAChannelStands(t *testing.T) {
	for _, test := range []struct {
		name       string
		board      device.BoardSpec
		at         string
		now, start string
	}{
		{"nothing is asked", device.BoardSpec{}, "", "not known until asked", "nothing: no byte is sent"},
		{"at_connect safe", device.BoardSpec{AtConnect: "safe"}, "keep", "taken for safe, load off", "nothing: no byte is sent"},
		{"at_start", device.BoardSpec{}, "on", "not known until asked", "line goes active, load on"},
		{"its port is gone", device.BoardSpec{Port: "/dev/gone"}, "", "not known until asked", "nothing: no byte is sent"},
		{"stand-in without -sim", device.BoardSpec{Port: "sim:"}, "", "inactive, load off", "not served"},
	} {
		test.board.Name, test.board.Driver, test.board.Channels = "b", "lcus", 4
		if test.board.Port == "" {
			test.board.Port = "/dev/x"
		}
		k := realChecker(device.Spec{
			Boards:  []device.BoardSpec{test.board},
			Outputs: []device.OutputSpec{{Name: "x", Board: "b", Channel: 2, AtStart: test.at}},
		}, nil)
		k.rows()
		if x := k.outs[0]; x.now != test.now || k.start(x) != test.start {
			t.Errorf("%s: now %q, start %q, want %q, %q", test.name, x.now, k.start(x), test.now, test.start)
		}
	}
}

func TestCheckFindsOneThingUnderTwoNames(t *testing.T) {
	dir := t.TempDir()
	tty, link := filepath.Join(dir, "tty"), filepath.Join(dir, "by-path")
	if err := errors.Join(os.WriteFile(tty, nil, 0o600), os.Symlink("tty", link)); err != nil {
		t.Fatal(err)
	}
	bus := func(name, port string) device.BoardSpec {
		return device.BoardSpec{Name: name, Driver: "waveshare", Channels: 8, Port: port}
	}
	for _, test := range []struct {
		name  string
		spec  device.Spec
		fault string
	}{
		{"line and its alias", device.Spec{
			Outputs: []device.OutputSpec{{Name: "a", Line: device.LineRef{Line: "OUT"}}},
			Inputs:  []device.InputSpec{{Name: "b", Line: device.LineRef{Line: "ALIAS"}}},
		}, "input b: /dev/gpiochip0 line 1 is that of output a too: want it once, under one name"},
		{"device and a link to it", device.Spec{
			Boards: []device.BoardSpec{bus("a", link)}, Ports: []device.PortSpec{{Name: "p", Device: tty}},
		}, "port p: " + tty + " is that of " + link + " too: want it once, under one name"},
		{"bus that two share", device.Spec{Boards: []device.BoardSpec{bus("a", link), bus("b", dir+"/./by-path")}}, ""},
	} {
		k := realChecker(test.spec, someLines())
		k.rows()
		want := ""
		if test.fault != "" {
			want = "fault   " + test.fault + "\n"
		}
		if k.notes != want {
			t.Errorf("%s: notes %q, want %q", test.name, k.notes, want)
		}
	}
}

// TestCheckOfARealBox is the whole table of a box whose lines and ports are
// described by the test; testdata/check.txtar has that of a simulation.
func TestCheckOfARealBox(t *testing.T) {
	line := func(name string) device.LineRef { return device.LineRef{Line: name} }
	k := realChecker(device.Spec{
		Boards: []device.BoardSpec{
			{Name: "rail", Driver: "waveshare", Port: "/dev/ttyS1", Channels: 8, Unit: 3},
			{Name: "usb1", Driver: "lcus", Port: "/dev/serial/by-path/pci-gone", Channels: 4},
		},
		Outputs: []device.OutputSpec{
			{Name: "router", Line: device.LineRef{Chip: "soc", Line: "OUT", ActiveLow: true}, Contact: "nc", Confirm: "flow"},
			{Name: "fan", Board: "rail", Channel: 1},
			{Name: "pump", Board: "usb1", Channel: 4},
		},
		Inputs:    []device.InputSpec{{Name: "flow", Line: line("IN")}},
		Machines:  []device.MachineSpec{{Name: "nas", Power: "fan", LED: "flow"}, {Name: "old", Power: "fan", Reset: "pump"}},
		Ports:     []device.PortSpec{{Name: "ups", Device: "/dev/ttyS2", Baud: 2400, Raw: true}},
		Groups:    []device.GroupSpec{{Name: "rack", Members: []string{"router", "fan"}, Delay: 2 * time.Second}},
		PowerFail: &device.PowerFailSpec{Line: line("IN2"), Outputs: "hold", Then: "poweroff"},
		Triggers: []device.TriggerSpec{
			{Input: "flow", Edge: "off", Call: device.Command{Target: "siren", Verb: "on"}, To: "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"},
			{Offline: 10 * time.Minute, Call: device.Command{Target: "router", Verb: "cycle", Args: []string{"10s"}}, Tries: 3, Then: time.Hour},
			{Offline: time.Hour, Call: device.Command{Target: "fan", Verb: "off"}, Tries: 1},
		},
	}, someLines())
	k.cfg.Dropped, k.cfg.Parts = []string{"lamp", "lamps"}, map[string]string{"lamps": "lamp"}
	k.rows()
	const want = `KIND        NAME         WHERE            NOW          AT START        PROOF
board       rail         waveshare, 8     -            nothing: no     readback,
                         channels, unit                byte is sent    own timer
                         3, /dev/ttyS1                                 up to
                                                                       54m36.7s
board       usb1         lcus, 4          not there    nothing: no     readback
                         channels,                     byte is sent
                         /dev/serial/by-path/pci-gone
output      router       soc 1 OUT,       output,      nothing: level  sensed by
                         active low       level not    is adopted      flow
                                          known until
                                          opened
output      fan          rail channel 1,  not known    nothing: no     readback;
                         waveshare at     until asked  byte is sent    board
                         /dev/ttyS1                                    times
                                                                       pulse,
                                                                       cycle
output      pump         usb1 channel 4,  not known    nothing: no     readback
                         lcus             until asked  byte is sent
input       flow         soc 3 IN         input,       nothing         readback
                                          level not
                                          known until
                                          opened
machine     nas          power fan,       -            nothing         sensed by
                         reset none, LED                               flow
                         flow
machine     old          power fan,       -            nothing         readback
                         reset pump, LED
                         none: on, off,
                         reboot are
                         refused
port        ups          /dev/ttyS2,      -            nothing: no     sent
                         2400 baud, send               byte is sent
                         TEXT
group       rack         router, fan; on  -            as its members  readback
                         2s apart
-           lamp         left out: see the faults
-           lamps        left out: its lamp is
power_fail               soc 4 IN2        input,       nothing; when   readback
                                          level not    lost: outputs
                                          known until  hold, then
                                          opened       poweroff
trigger                  when flow goes off: siren on, told to container
                         7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b
trigger                  when offline for 10m: router cycle 10s, tries 3, then
                         after 1h
trigger                  when offline for 1h: fan off, tries 1
`
	if got := k.table.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if want := "fault   board usb1: port /dev/serial/by-path/pci-gone: file does not exist\n"; k.notes != want || k.bad != 1 {
		t.Errorf("notes %q, %d faults, want %q", k.notes, k.bad, want)
	}
}
