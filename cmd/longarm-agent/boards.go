package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"longarm/device"
	"longarm/device/board"
	"longarm/hw/serial"
	"longarm/hw/sim"
)

// lines gives a board's channels, counted from 1.
type lines func(channel int) (device.Line, error)

// openBoards prepares each board; a port is opened before its first command.
// Boards that name the same port share it.
func (m *machine) openBoards(spec device.Spec, g guard) (faults []string) {
	ports := map[string]*board.Port{}
	for _, s := range spec.Boards {
		line, err := m.openBoard(s, spec.Outputs, ports, g)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		m.boards[s.Name] = line
	}
	return faults
}

// openBoard gives what opens the board's channels.
func (m *machine) openBoard(s device.BoardSpec, outputs []device.OutputSpec, ports map[string]*board.Port, g guard) (lines, error) {
	if s.Port == simPort {
		if m.sim == nil {
			return nil, fmt.Errorf("board %s: port %q needs -sim", s.Name, s.Port)
		}
		relays := sim.NewRelays(s.Channels)
		return func(n int) (device.Line, error) { return relays.Channel(n) }, nil
	}
	path := filepath.Clean(s.Port)
	port := ports[path]
	if port == nil {
		f, err := board.Find(s.Driver)
		if err != nil {
			return nil, fmt.Errorf("board %s: %w", s.Name, err)
		}
		mode := serial.Options{Baud: s.Baud, Parity: s.Parity}
		if mode.Baud == 0 {
			mode.Baud = f.Baud
		}
		if mode.Parity == "" {
			mode.Parity = f.Parity
		}
		port = board.NewPort(wire(s.Port, mode), board.PortOptions{Name: path, Baud: mode.Baud, Log: m.log, Guard: g})
	}
	b, err := port.Add(board.Spec{
		Name: s.Name, Driver: s.Driver, Channels: s.Channels, Unit: s.Unit, AtConnect: s.AtConnect,
		Safe: safeLevels(s, outputs), Map: boardMap(s.Map),
	})
	if err != nil {
		return nil, err
	}
	if ports[path] == nil {
		ports[path] = port
		m.ports = append(m.ports, port)
	}
	return func(n int) (device.Line, error) { return b.Channel(n) }, nil
}

func boardMap(m *device.BoardMap) board.Map {
	if m == nil {
		return board.Map{}
	}
	return board.Map{Function: byte(m.Function), Base: uint16(m.Base), On: uint16(m.On), Off: uint16(m.Off), Read: byte(m.Read)}
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

// runBoards runs every port's worker until stop, which waits for them.
func (m *machine) runBoards(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	for _, p := range m.ports {
		workers.Go(func() { p.Run(ctx) })
	}
	return func() { cancel(); workers.Wait() }
}

// wire returns how to (re)open a port.
func wire(path string, mode serial.Options) func() (board.Wire, error) {
	return func() (board.Wire, error) {
		w, err := serial.Open(path, mode)
		if err != nil {
			return nil, err
		}
		return w, nil
	}
}
