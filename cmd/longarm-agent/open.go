package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"longarm/agent/config"
	"longarm/agent/journal"
	"longarm/device"
	"longarm/hw/clock"
	"longarm/hw/gpio"
	"longarm/hw/sim"
)

// plant is a config turned into hardware: what run, do and safe share.
type plant struct {
	cfg     config.Config
	log     *slog.Logger
	journal *journal.Journal
	machine *machine
	box     *device.Box
	faults  []string // of the config and of lines that can't be opened

	stopBoards func()
}

// closeLimit bounds close: a port or a disk that hangs must not hold up the
// stop. The process ends then, and with it whatever hung.
const closeLimit = 300 * time.Millisecond

// close ends the boards' workers and lets go of the state dir.
func (p *plant) close() {
	closed := make(chan struct{})
	go func() { // ends with the process at the latest
		defer close(closed)
		if p.stopBoards != nil {
			p.stopBoards()
		}
		if err := p.journal.Close(); err != nil {
			p.log.Warn("journal not closed in good order", "err", err)
		}
	}()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		p.log.Error("hardware or storage hangs, left behind")
	}
}

// startAsIs makes this start move nothing: a line is adopted, or driven to
// safe when nobody drives it.
func (p *plant) startAsIs() {
	for i := range p.cfg.Device.Outputs {
		p.cfg.Device.Outputs[i].AtStart = "keep"
	}
}

// loadConfig reads the file and tells every fault; fatal only when the file
// can't be read at all.
func loadConfig(s settings, log *slog.Logger) (config.Config, []string, error) {
	cfg, faults, err := config.Load(s.config)
	if err != nil {
		return cfg, nil, err
	}
	var texts []string
	for _, f := range faults {
		log.Error("config fault", "fault", f.Error())
		texts = append(texts, f.Error())
	}
	for _, w := range cfg.Warnings {
		log.Warn("config warning", "warning", w.Error())
	}
	return cfg, texts, nil
}

// openJournal takes the state dir for this process.
func openJournal(cfg config.Config, verb string, log *slog.Logger) (*journal.Journal, error) {
	return journal.Open(cfg.StateDir, journal.Options{
		Log: log, Fallback: runDir, Owner: fmt.Sprintf("longarm-agent %s, pid %d", verb, os.Getpid()),
	})
}

// newMachine opens the simulation, or stands before the real hardware.
func newMachine(s settings, log *slog.Logger) (*machine, error) {
	m := &machine{log: log, boards: map[string]lines{}, busy: map[string]error{}}
	if !s.sim {
		return m, nil
	}
	simulated, err := sim.New(sim.Options{Trace: s.simTrace, Control: s.simControl, Log: log})
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	m.sim = simulated
	return m, nil
}

// openBox opens every line; a bad one disables only its target. The boards'
// workers run until p.close.
func (p *plant) openBox(ctx context.Context, g guard) {
	p.faults = append(p.faults, p.machine.openBoards(p.cfg.Device, g)...)
	p.stopBoards = p.machine.runBoards(ctx)
	p.box = device.New(p.cfg.Device, p.machine, device.Options{
		Log: p.log, Guard: g, LeaseChanged: p.leaseChanged, Absent: absent(p.cfg, p.faults),
		Boot: clock.Boot, OnUntil: p.onUntil(), OnUntilChanged: p.onUntilChanged,
	})
	for _, err := range p.box.Open(context.WithoutCancel(ctx)) {
		p.log.Error("target is not served", "err", err)
		p.faults = append(p.faults, err.Error())
	}
	if len(p.faults) == 0 {
		p.machine.dropStale()
	}
}

// absent are the targets that config faults left out, each with the faults
// that name it, so that whoever calls one learns why.
func absent(cfg config.Config, faults []string) map[string]string {
	reasons := map[string]string{}
	for _, name := range cfg.Dropped {
		reasons[name] = "its table in the config, or one that it depends on, has a fault; longarm-agent check lists them"
		for _, f := range faults {
			if strings.Contains(f, strconv.Quote(name)) {
				reasons[name] = f
				break
			}
		}
	}
	for name, part := range cfg.Parts {
		reasons[name] = part + ", which it is made of, is not served: " + reasons[part]
	}
	return reasons
}

// leaseChanged notes what must be settled after a crash although its call is
// long answered.
func (p *plant) leaseChanged(target, call string, open bool) {
	note := func() error { return p.journal.LeaseClosed(target) }
	if open {
		note = func() error { return p.journal.LeaseOpened(target, call) }
	}
	if err := note(); err != nil {
		p.log.Warn("lease not journaled", "target", target, "call", call, "open", open, "err", err)
	}
}

// fail says what went wrong and picks the exit code.
func fail(w io.Writer, err error) int {
	fmt.Fprintln(w, "longarm-agent:", err)
	if held, ok := errors.AsType[*journal.HeldError](err); ok {
		fmt.Fprintf(w, "stop %s first, or send the call through the push service\n", held.Owner)
		return exitInUse
	}
	if busy, ok := errors.AsType[*gpio.BusyError](err); ok {
		fmt.Fprintf(w, "stop %s first\n", cmp.Or(busy.Owner, "whoever holds the line"))
		return exitInUse
	}
	return exitError
}
