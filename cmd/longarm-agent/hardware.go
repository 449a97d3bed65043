package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"longarm/device"
	"longarm/device/board"
	"longarm/hw/gpio"
	"longarm/hw/sim"
	"longarm/hw/systemd"
)

const simPort = "sim:"

// keeper holds output descriptors across our death; systemd's store is one.
type keeper interface {
	Store(name string, f *os.File) error
	StoreRemove(name string) error
}

// machine is the real or simulated hardware as device sees it.
type machine struct {
	log    *slog.Logger
	sim    *sim.Machine // nil: real lines
	stored map[string]*os.File
	keep   keeper // nil: nobody keeps descriptors
	boards map[string]lines
	ports  []*board.Port
	busy   map[string]error // outputs whose line another process holds
}

// guard surrounds hardware work for the watchdog; nil where nothing watches.
type guard = func(worker string, limit time.Duration) (done func())

var _ device.Hardware = (*machine)(nil)

// OpenOutput opens a GPIO line or takes a board's channel.
func (m *machine) OpenOutput(s device.OutputSpec) (device.Line, error) {
	switch {
	case s.Board != "":
		channel, ok := m.boards[s.Board]
		if !ok {
			return nil, fmt.Errorf("board %s is not there", s.Board)
		}
		return channel(s.Channel)
	case m.sim != nil:
		return m.sim.Output(s.Name, sim.OutputOptions{Keep: keeps(s), Fresh: startActive(s)})
	}
	return m.openGPIO(s)
}

// openGPIO adopts a stored descriptor if there is one, and stores the one that
// it got, so that the line outlives us.
func (m *machine) openGPIO(s device.OutputSpec) (device.Line, error) {
	info, err := gpio.Describe(s.Line.Chip, s.Line.Line)
	if err != nil {
		return nil, err
	}
	name := info.StoreName()
	stored := m.stored[name]
	delete(m.stored, name)
	out, err := gpio.OpenOutput(s.Line.Chip, s.Line.Line, gpio.OutputOptions{
		Consumer: "longarm:" + s.Name, ActiveLow: s.Line.ActiveLow,
		Keep: keeps(s), Fresh: startActive(s), Stored: stored,
	})
	if err != nil {
		m.noteBusy(s.Name, err)
		return nil, err
	}
	if fault := out.StoredFault(); fault != nil {
		m.log.Warn("level not adopted", "output", s.Name, "err", fault)
		m.forget(name) // or the next start finds two descriptors under one name
	}
	if m.keep != nil {
		if err := m.keep.Store(name, out.File()); err != nil {
			m.log.Warn("line not kept by init, a crash may move it", "output", s.Name, "err", err)
		}
	}
	return out, nil
}

// noteBusy remembers that another process holds an output's line.
func (m *machine) noteBusy(output string, err error) {
	if errors.Is(err, gpio.ErrBusy) {
		m.busy[output] = fmt.Errorf("output %s: %w", output, err)
	}
}

// dropStale releases descriptors that no output of this config wants any more.
// Call it only when every output of the config was opened: a typo in the file
// must not let go of a line.
func (m *machine) dropStale() {
	for name, f := range m.stored {
		m.log.Info("stored line is no longer in the config, released", "store", name)
		_ = f.Close() // the store's copy follows
		m.forget(name)
	}
	m.stored = nil
}

// forget takes a name out of init's store.
func (m *machine) forget(name string) {
	if m.keep == nil {
		return
	}
	if err := m.keep.StoreRemove(name); err != nil {
		m.log.Warn("line not released by init", "store", name, "err", err)
	}
}

func (m *machine) OpenInput(s device.InputSpec, edge func(active bool)) (device.Level, error) {
	if m.sim != nil {
		return m.sim.Input(s.Name, func(active bool, _ time.Duration) { edge(active) }), nil
	}
	return gpio.OpenInput(s.Line.Chip, s.Line.Line, gpio.InputOptions{
		Consumer: "longarm:" + s.Name, ActiveLow: s.Line.ActiveLow, Bias: s.Bias, Debounce: s.Debounce,
		Edge: func(active bool, _ time.Duration) { edge(active) },
		Gone: func(err error) { m.tellGone("input "+s.Name, err) },
	})
}

// tellGone logs that a line was lost with its chip, or is back.
func (m *machine) tellGone(what string, err error) {
	if err != nil {
		m.log.Error("line is gone, looked for until it is back", "line", what, "err", err)
		return
	}
	m.log.Info("line is back", "line", what)
}

// openPower opens the power-fail line; active means lost. gone is told why the
// line was lost with its chip, and nil when it is back.
func (m *machine) openPower(s device.PowerFailSpec, edge func(lost bool), gone func(err error)) (device.Level, error) {
	if m.sim != nil {
		return m.sim.Power(func(active bool, _ time.Duration) { edge(active) }), nil
	}
	return gpio.OpenInput(s.Line.Chip, s.Line.Line, gpio.InputOptions{
		Consumer: "longarm:power-fail", ActiveLow: !s.ActiveHigh, Debounce: s.Debounce,
		Edge: func(active bool, _ time.Duration) { edge(active) },
		Gone: func(err error) { m.tellGone("power-fail", err); gone(err) },
	})
}

// keeps tells whether at_start adopts the level as it is.
func keeps(s device.OutputSpec) bool { return s.AtStart == "" || s.AtStart == "keep" }

// startActive is the level that a line gets which nobody drove before.
func startActive(s device.OutputSpec) bool {
	if keeps(s) {
		return s.SafeActive()
	}
	return s.ActiveFor(device.Load(s.AtStart))
}

var _ keeper = (*systemd.Notifier)(nil)
