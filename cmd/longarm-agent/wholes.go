package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"longarm/device"
	"longarm/hw/serial"
)

var _ device.PortOpener = (*machine)(nil)

// OpenPort opens a serial device, or its stand-in; it sends nothing.
func (m *machine) OpenPort(s device.PortSpec) (device.Wire, error) {
	reply, simulated := strings.CutPrefix(s.Device, simPort)
	switch {
	case !simulated:
		w, err := serial.Open(s.Device, serial.Options{Baud: s.Baud, Parity: s.Parity})
		if err != nil {
			return nil, err
		}
		return w, nil
	case m.sim == nil:
		return nil, errNeedsSim(s.Device)
	}
	bytes, err := device.Unescape(reply)
	if err != nil {
		return nil, err
	}
	return m.sim.Port(bytes), nil
}

func errNeedsSim(path string) error { return fmt.Errorf("port %q needs -sim", path) }

// checkWholes prints what is made of others, and looks for serial devices.
func checkWholes(w io.Writer, spec device.Spec, sim bool) (bad int) {
	for _, m := range spec.Machines {
		led := "no LED: on, off and reboot are refused"
		if m.LED != "" {
			led = "LED " + m.LED
		}
		reset := ""
		if m.Reset != "" {
			reset = ", reset " + m.Reset
		}
		bad += report(w, "machine", fmt.Sprintf("%s: power %s%s, %s", m.Name, m.Power, reset, led), nil)
	}
	for _, p := range spec.Ports {
		bad += report(w, "port", fmt.Sprintf("%s: %s at %d baud, %s", p.Name, p.Device, p.Baud, asks(p)), checkSerial(p.Device, sim))
	}
	for _, g := range spec.Groups {
		bad += report(w, "group", fmt.Sprintf("%s: %s, on %s apart", g.Name, strings.Join(g.Members, ", "), g.Delay), nil)
	}
	for _, t := range spec.Triggers {
		when := "offline for " + t.Offline.String()
		if t.Input != "" {
			when = "input " + t.Input + " goes " + string(t.Edge)
		}
		bad += report(w, "trigger", when+": "+t.Call.String(), nil)
	}
	return bad
}

// asks names what a port may be asked.
func asks(p device.PortSpec) string {
	var verbs []string
	for _, e := range p.Exchanges {
		verbs = append(verbs, "ask "+e.Name)
	}
	if p.Raw {
		verbs = append(verbs, "send TEXT")
	}
	return strings.Join(verbs, ", ")
}

func checkSerial(path string, sim bool) error {
	switch {
	case !strings.HasPrefix(path, simPort):
		return serial.Check(path)
	case !sim:
		return errNeedsSim(path)
	}
	return nil
}

// busyPart is the error of a line of the target that another process holds.
func (p *plant) busyPart(target string) error {
	var errs []error
	for _, part := range p.cfg.Device.Parts(target) {
		errs = append(errs, p.machine.busy[part])
	}
	return errors.Join(errs...)
}
