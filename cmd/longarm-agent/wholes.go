package main

import (
	"errors"
	"fmt"
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

// busyPart is the error of a line of the target that another process holds.
func (p *plant) busyPart(target string) error {
	var errs []error
	for _, part := range p.cfg.Device.Parts(target) {
		errs = append(errs, p.machine.busy[part])
	}
	return errors.Join(errs...)
}
