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

	mu         sync.Mutex
	level      Level
	fault      error
	active     bool
	known      bool
	unreadable error // of the last read
	edges      int   // seen so far: a read that an edge overtook is stale
	latched    bool
	waits      map[*wait]struct{}

	since, before time.Time     // of the last change, and of the one before it
	changed       chan struct{} // closed at the next change
	flutter       int           // changes in a row, each soon after the one before it
	spreading     bool          // others are told in a while
}

// wait is one command "wait on LIMIT", or an output's for its load.
type wait struct {
	active bool
	fresh  bool         // only an edge ends it, not a level
	over   chan verdict // cap 1
}

type verdict struct{ state, detail string }

func newInput(b *Box, s InputSpec) *input {
	return &input{spec: s, box: b, fault: fmt.Errorf("not opened yet"), waits: make(map[*wait]struct{}), changed: make(chan struct{})}
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
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("the line could not be read: %w", err)
	}
	if (in.unreadable == nil) != (err == nil) {
		in.box.signal()
	}
	in.unreadable = err
	if err == nil && (in.edges == edges || !in.known) {
		in.see(active, false)
	}
	return err
}

// edge is told each new level by the hardware. It never blocks.
func (in *input) edge(active bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.edges++
	in.see(active, true)
}

// see takes note of a level, told by an edge or read, and ends the waits for it;
// in.mu is held.
func (in *input) see(active, told bool) {
	news, edge := !in.known || in.active != active, in.known && in.active != active
	in.active, in.known = active, true
	if news {
		in.before, in.since = in.since, time.Now()
		close(in.changed)
		in.changed = make(chan struct{})
	}
	if tell := in.box.watcher.Load(); edge && tell != nil {
		(*tell)(in.spec.Name, active)
	}
	for w := range in.waits {
		if w.active == active && (told || !w.fresh) {
			in.end(w, Done, "")
		}
	}
	if news {
		in.spread()
	}
}

// end answers a wait; in.mu is held.
func (in *input) end(w *wait, state, detail string) {
	delete(in.waits, w)
	w.over <- verdict{state, detail} // has room: a wait in the set has none yet
}

// expect waits for an edge to the level, until it is forgotten.
func (in *input) expect(active bool) *wait {
	w := &wait{active: active, fresh: true, over: make(chan verdict, 1)}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waits[w] = struct{}{}
	return w
}

// trust lets the level, too, end a wait.
func (in *input) trust(w *wait) {
	in.mu.Lock()
	defer in.mu.Unlock()
	w.fresh = false
}

func (in *input) forget(w *wait) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.waits, w)
}

// proof is what reading the input proves.
func (in *input) proof() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return proofOf(in.level)
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
	defer in.forget(w)
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
