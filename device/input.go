package device

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// input is one input: its level, and those who wait for another.
type input struct {
	spec InputSpec
	box  *Box

	mu      sync.Mutex
	level   Level
	fault   error
	active  bool
	known   bool
	edges   int // seen so far: a read that an edge overtook is stale
	latched bool
	waits   map[*wait]struct{}
}

// wait is one command "wait on LIMIT".
type wait struct {
	active bool
	over   chan verdict // cap 1
}

type verdict struct{ state, detail string }

func newInput(b *Box, s InputSpec) *input {
	return &input{spec: s, box: b, fault: fmt.Errorf("not opened yet"), waits: make(map[*wait]struct{})}
}

// open opens the line. Its level is read after the edges are armed, since an
// edge may have passed before.
func (in *input) open(ctx context.Context, hw Hardware) error {
	err := ctx.Err()
	var level Level
	if err == nil {
		done := in.box.guard("input " + in.spec.Name)
		level, err = hw.OpenInput(in.spec, in.edge)
		done()
	}
	in.mu.Lock()
	in.level, in.fault = level, err
	in.mu.Unlock()
	if err == nil {
		err = in.ask()
	}
	in.box.signal()
	return err
}

// ask reads the level at the hardware.
func (in *input) ask() error {
	in.mu.Lock()
	level, fault, edges := in.level, in.fault, in.edges
	in.mu.Unlock()
	if fault != nil {
		return fmt.Errorf("not usable: %w", fault)
	}
	done := in.box.guard("input " + in.spec.Name)
	active, err := level.Active()
	done()
	if err != nil {
		return fmt.Errorf("the line could not be read: %w", err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.edges == edges || !in.known {
		in.see(active)
	}
	return nil
}

// edge is told each new level by the hardware. It never blocks.
func (in *input) edge(active bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.edges++
	in.see(active)
}

// see takes note of a level and ends the waits for it; in.mu is held.
func (in *input) see(active bool) {
	news := !in.known || in.active != active
	in.active, in.known = active, true
	for w := range in.waits {
		if w.active == active {
			in.end(w, Done, "")
		}
	}
	if news {
		in.box.signal()
	}
}

// end answers a wait; in.mu is held.
func (in *input) end(w *wait, state, detail string) {
	delete(in.waits, w)
	w.over <- verdict{state, detail} // has room: a wait in the set has none yet
}

func (in *input) endWaits(state, detail string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for w := range in.waits {
		in.end(w, state, detail)
	}
}

func (in *input) latch(lost bool) {
	in.mu.Lock()
	in.latched = lost
	in.mu.Unlock()
	if lost {
		in.endWaits(Failed, "power")
	}
}

// do is Do for an input. Reads and waits do not exclude each other.
func (in *input) do(ctx context.Context, c Command) Answer {
	start := time.Now()
	v := verdict{Done, ""}
	switch c.Verb {
	case "read":
		if err := noArgs(c); err != nil {
			v = verdict{Refused, err.Error()}
		} else if err := in.ask(); err != nil {
			v = verdict{in.unread(), err.Error()}
		}
	case "wait":
		v = in.wait(ctx, c)
	default:
		v = verdict{Refused, unknownVerb(c, "an input", inputVerbs).Error()}
	}
	s := in.state()
	return Answer{State: v.state, Proof: s.Proof, Target: c.Target, Verb: c.Verb, Active: s.Active, Load: s.Load,
		Edges: []Edge{}, TookMS: time.Since(start).Milliseconds(), Detail: v.detail}
}

// unread is Refused for a line that could not be opened, else Failed.
func (in *input) unread() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fault != nil {
		return Refused
	}
	return Failed
}

// wait waits for a level, at most as long as the command says. ctx ends it.
func (in *input) wait(ctx context.Context, c Command) verdict {
	active, limit, err := waitFor(c)
	if err != nil {
		return verdict{Refused, err.Error()}
	}
	w := &wait{active: active, over: make(chan verdict, 1)}
	in.mu.Lock()
	latched := in.latched
	if !latched {
		in.waits[w] = struct{}{}
	}
	in.mu.Unlock()
	if latched {
		return verdict{Refused, "power: the supply has failed, nothing is waited for"}
	}
	defer func() { in.mu.Lock(); delete(in.waits, w); in.mu.Unlock() }()
	if err := in.ask(); err != nil { // the level, now that no edge can be missed
		return verdict{in.unread(), err.Error()}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-w.over:
		return v
	case <-timer.C:
		return verdict{Failed, fmt.Sprintf("not %s within %s", c.Args[0], words(limit))}
	case <-ctx.Done():
		return verdict{Failed, "ended: " + context.Cause(ctx).Error()}
	case <-in.box.closed:
		return verdict{Failed, "ended by stop"}
	}
}

// state is the input as last seen.
func (in *input) state() TargetState {
	in.mu.Lock()
	defer in.mu.Unlock()
	s := TargetState{Name: in.spec.Name, Kind: "input", Load: string(LoadUnknown), Proof: "sent"}
	switch {
	case in.fault != nil:
		s.Detail = "not usable: " + in.fault.Error()
	case in.known:
		s.Active, s.Proof, s.Load = in.active, proofOf(in.level), string(LoadOff)
		if in.active {
			s.Load = string(LoadOn)
		}
	}
	return s
}
