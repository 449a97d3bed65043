package sim

import (
	"sync"
	"sync/atomic"
	"time"

	"longarm/hw/clock"
)

// Input is one simulated input line, moved by the control socket. It starts inactive.
type Input struct {
	active atomic.Bool
	edge   func(active bool, at time.Duration)
	move   sync.Mutex // one move at a time, its edge told before the next
}

// Input makes the input of that name, or replaces it. edge is told each change with its
// time on CLOCK_MONOTONIC, on the control socket's goroutine; it must return at once. It may
// be nil.
func (m *Machine) Input(name string, edge func(active bool, at time.Duration)) *Input {
	in := &Input{edge: edge}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inputs[name] = in
	return in
}

// Power makes the power-fail line: active after "power fail", inactive after "power ok".
// edge as in Input.
func (m *Machine) Power(edge func(active bool, at time.Duration)) *Input {
	in := &Input{edge: edge}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.power = in
	return in
}

// Active is the line's level; the error is always nil.
func (in *Input) Active() (bool, error) { return in.active.Load(), nil }

// Proof says that nothing real was read.
func (in *Input) Proof() string { return "sim" }

// Close does nothing.
func (in *Input) Close() error { return nil }

// Move sets the level, as the control socket does, and returns after edge has.
func (in *Input) Move(active bool) {
	in.move.Lock()
	defer in.move.Unlock()
	at := clock.Monotonic()
	if in.active.Swap(active) != active && in.edge != nil {
		in.edge(active, at)
	}
}
