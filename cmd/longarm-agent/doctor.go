package main

import (
	"context"
	"strings"

	"longarm/agent/config"
	"longarm/device"
	"longarm/hw/doctor"
)

const doctorHelp = `Tells what will bite on this box, and the exact lines that help: outputs between
power-on and the agent's start, and without the agent; the unit and its watchdog;
serial ports with a changing name, a console, a login, ModemManager or brltty; the
hardware's watchdog, the clock, the state dir, and who may open what. It opens no
device and sends no byte; 100 small writes to a file of its own tell how fast the
state dir is. Run as root it sees most; "cannot tell" is what no file says. With DIR
it looks at the file tree there, such as a card, and writes nothing.

config.txt and the kernel's command line count after a reboot, units after
systemctl daemon-reload && systemctl restart longarm-agent. Exit code 0 when
nothing bites, 1 when something does.`

func runDoctor(ctx context.Context, c command) int {
	var s settings
	words, code, done := c.parse("doctor [DIR]", doctorHelp, &s)
	if done {
		return code
	}
	root := "" // this machine
	if len(words) > 0 {
		root, words = words[0], words[1:]
	}
	if code, bad := c.noWords("doctor DIR", words); bad {
		return code
	}
	cfg, faults, err := config.Load(s.config)
	if err != nil {
		return fail(c.stderr, err)
	}
	spec := patient(&cfg.Device)
	spec.Config, spec.StateDir, spec.Faults = s.config, cfg.StateDir, len(faults)
	report := doctor.Examine(ctx, spec, root)
	if err := report.Print(c.stdout); err != nil {
		return fail(c.stderr, err)
	}
	if report.Bites() {
		return exitError
	}
	return exitDone
}

// patient is what of the box the doctor looks at; stand-ins are left out.
func patient(box *device.Spec) *doctor.Spec {
	s := new(doctor.Spec)
	for i := range box.Outputs {
		if o := &box.Outputs[i]; o.Board == "" {
			s.Outputs = append(s.Outputs, &doctor.Output{About: "output " + o.Name, Chip: o.Line.Chip, Line: o.Line.Line,
				ActiveLow: o.Line.ActiveLow, Safe: o.SafeActive(), Driven: string(o.LoadFor(true))})
		}
	}
	for i := range box.Boards {
		if b := &box.Boards[i]; b.Port != simPort {
			s.AddPort("board "+b.Name, "port", b.Port)
		}
	}
	for i := range box.Ports {
		if p := &box.Ports[i]; !strings.HasPrefix(p.Device, simPort) {
			s.AddPort("port "+p.Name, "device", p.Device)
		}
	}
	s.GPIO = len(s.Outputs)+len(box.Inputs) > 0 || box.Lockout != nil
	if p := box.PowerFail; p != nil {
		s.GPIO, s.PowerFail, s.HoldUp = true, "low", p.HoldUp
		if p.ActiveHigh {
			s.PowerFail = "high"
		}
	}
	return s
}
