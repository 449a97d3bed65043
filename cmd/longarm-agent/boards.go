package main

import (
	"context"
	"fmt"
	"sync"

	"longarm/device"
	"longarm/device/board"
	"longarm/hw/serial"
)

// openBoards prepares each board; a port is opened before its first command.
func (m *machine) openBoards(spec device.Spec, g guard) (faults []string) {
	for _, s := range spec.Boards {
		b, err := board.New(s.Driver, s.Channels, m.wire(s), board.Options{
			Name: s.Name, Log: m.log, AtConnect: s.AtConnect, Safe: safeLevels(s, spec.Outputs),
			Sim: s.Port == simPort, Guard: g,
		})
		if err != nil {
			faults = append(faults, fmt.Sprintf("board %s: %v", s.Name, err))
			continue
		}
		m.boards[s.Name] = b
	}
	return faults
}

// safeLevels are the safe line levels of a board's channels; a channel that no
// output uses is safe when its relay is released.
func safeLevels(s device.BoardSpec, outputs []device.OutputSpec) []bool {
	levels := make([]bool, s.Channels)
	for _, o := range outputs {
		if o.Board == s.Name && o.Channel >= 1 && o.Channel <= s.Channels {
			levels[o.Channel-1] = o.SafeActive()
		}
	}
	return levels
}

// runBoards runs every board's worker until stop, which waits for them.
func (m *machine) runBoards(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	for _, b := range m.boards {
		workers.Go(func() { b.Run(ctx) })
	}
	return func() { cancel(); workers.Wait() }
}

// wire returns how to (re)open a board's port.
func (m *machine) wire(s device.BoardSpec) func() (board.Wire, error) {
	return func() (board.Wire, error) {
		var w board.Wire
		err := fmt.Errorf("port %q needs -sim", s.Port)
		switch {
		case s.Port != simPort:
			w, err = serial.Open(s.Port, serial.Options{Baud: s.Baud, Parity: s.Parity})
		case m.sim != nil:
			w, err = m.sim.Board(s.Driver, s.Channels)
		}
		if err != nil {
			return nil, err
		}
		return w, nil
	}
}
