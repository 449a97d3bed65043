package main

import (
	"context"
	"fmt"
	"io"

	"longarm/agent/config"
	"longarm/device"
	"longarm/hw/gpio"
	"longarm/hw/serial"
	"longarm/push/client"
)

const checkHelp = `Validates the config file, resolves every line and port and prints what would
move. Nothing is requested, nothing is driven, no byte is sent. Exit code 0 when
all is right, 1 when anything is not; every fault is named at once. With -sim
lines are not looked for.`

func check(_ context.Context, c command) int {
	var s settings
	words, code, done := c.parse("check", checkHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("check", words); bad {
		return code
	}
	cfg, faults, err := config.Load(s.config)
	if err != nil {
		fmt.Fprintln(c.stderr, "longarm-agent:", err)
		return exitError
	}
	bad := len(faults)
	for _, f := range faults {
		fmt.Fprintln(c.stdout, "fault  ", f.Error())
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(c.stdout, "warning", w.Error())
	}
	if cfg.PushOK {
		bad += report(c.stdout, "push", cfg.Push.Container, checkPush(cfg.Push))
	}
	bad += checkDevice(c.stdout, cfg.Device, s.sim)
	if bad > 0 {
		fmt.Fprintf(c.stdout, "%s: %d faults\n", s.config, bad)
		return exitError
	}
	fmt.Fprintf(c.stdout, "%s: all right\n", s.config)
	return exitDone
}

func checkPush(cfg client.Config) error {
	c, err := client.New(cfg, client.Options{})
	if err != nil {
		return err
	}
	return c.Close()
}

// report prints one line and counts a fault.
func report(w io.Writer, kind, what string, err error) int {
	if err != nil {
		fmt.Fprintf(w, "fault   %s %s: %v\n", kind, what, err)
		return 1
	}
	fmt.Fprintf(w, "ok      %s %s\n", kind, what)
	return 0
}

func checkDevice(w io.Writer, spec device.Spec, sim bool) (bad int) {
	for _, b := range spec.Boards {
		bad += report(w, "board", fmt.Sprintf("%s: %s with %d channels at %s", b.Name, b.Driver, b.Channels, b.Port), checkPort(b, sim))
	}
	for _, o := range spec.Outputs {
		where, err := "board "+o.Board+fmt.Sprintf(" channel %d", o.Channel), error(nil)
		if o.Board == "" {
			where, err = checkLine(o.Line, sim)
		}
		bad += report(w, "output", fmt.Sprintf("%s: %s, %s", o.Name, where, wouldMove(o)), err)
	}
	for _, i := range spec.Inputs {
		where, err := checkLine(i.Line, sim)
		bad += report(w, "input", i.Name+": "+where, err)
	}
	bad += checkWholes(w, spec, sim)
	if spec.PowerFail != nil {
		where, err := checkLine(spec.PowerFail.Line, sim)
		bad += report(w, "power_fail", where, err)
	}
	return bad
}

// wouldMove says in words what the first start does to an output.
func wouldMove(o device.OutputSpec) string {
	start := "its level is adopted, or the load goes " + string(o.SafeLoad()) + " if nobody drives it"
	if o.AtStart == "on" || o.AtStart == "off" {
		start = "the load goes " + o.AtStart
	}
	return fmt.Sprintf("at start %s; load on = line %s; safe = load %s", start, activeWord(o.ActiveFor(device.LoadOn)), o.SafeLoad())
}

func activeWord(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}

// checkLine looks a line up without touching it.
func checkLine(ref device.LineRef, sim bool) (where string, err error) {
	where = ref.Line
	if ref.Chip != "" {
		where = ref.Chip + " " + ref.Line
	}
	if sim {
		return where + " (simulated)", nil
	}
	info, err := gpio.Describe(ref.Chip, ref.Line)
	if err != nil {
		return where, err
	}
	where = fmt.Sprintf("%s offset %d (%s)", info.Label, info.Offset, info.Name)
	if info.Used {
		return where, &gpio.BusyError{Line: where, Owner: info.Consumer}
	}
	return where, nil
}

func checkPort(b device.BoardSpec, sim bool) error {
	if b.Port == simPort {
		if !sim {
			return fmt.Errorf("port %q needs -sim", b.Port)
		}
		return nil
	}
	return serial.Check(b.Port)
}
