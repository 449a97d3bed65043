package device

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Options are what a Box may be given; the zero value serves.
type Options struct {
	Log *slog.Logger // nil = nothing is logged
	// Guard is told before each piece of hardware work who works and how long
	// that may take; done is called after it. Evidence for the watchdog; cheap.
	Guard func(worker string, limit time.Duration) (done func())
	// LeaseChanged is told, one call at a time, when the lease of a target
	// opens (before its edge) and when it is closed. It may block on a disk:
	// only the call that asks for a lease waits for it.
	LeaseChanged func(target, call string, open bool)
	// Absent are targets that the owner wrote down and that are not served,
	// with the reason: their calls are refused with it.
	Absent map[string]string
	// Boot is CLOCK_BOOTTIME. OnUntil are the deadlines of max_on that an
	// earlier run of the same boot left, on that clock; OnUntilChanged is told
	// each new one, as LeaseChanged is, and 0 when the load is off. Without
	// Boot max_on counts from the start.
	Boot           func() time.Duration
	OnUntil        map[string]time.Duration
	OnUntilChanged func(target string, until time.Duration)
}

// Box is all targets together. Make it with New, then Open, Settle, Run. Safe
// for concurrent use; its methods do not block each other, and a target whose
// hardware hangs holds up nobody but its own callers.
type Box struct {
	o       Options
	spec    Spec
	hw      Hardware
	outputs []*output
	inputs  []*input
	wholes  []whole // machines, ports and groups
	ports   []*port // of the wholes
	grips   *grips
	watcher atomic.Pointer[func(input string, active bool)]
	lockout *input // nil: there is none
	clerk   *clerk
	untils  *clerk // of max_on
	engine  engine
	changed chan struct{}
	closed  chan struct{} // closed when Run has settled: nothing moves any more
}

// New makes a Box of the spec's targets; it opens nothing and starts nothing.
func New(spec Spec, hw Hardware, o Options) *Box {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := &Box{o: o, spec: spec, hw: hw, clerk: newClerk(o.LeaseChanged), grips: newGrips(),
		changed: make(chan struct{}, 1), closed: make(chan struct{})}
	b.untils = newUntils(o.OnUntilChanged)
	for _, s := range spec.Outputs {
		b.outputs = append(b.outputs, newOutput(b, s))
	}
	for _, s := range spec.Inputs {
		b.inputs = append(b.inputs, newInput(b, s))
	}
	b.join()
	b.addWholes()
	return b
}

// Open opens every line, in the order of the spec, until ctx ends. A line that
// cannot be opened disables only its target: its calls are refused with the
// reason, Report shows it, and it is among the errors. Call it once, before
// everything else.
func (b *Box) Open(ctx context.Context) []error {
	var errs []error
	if b.lockout != nil {
		if err := b.lockout.open(ctx, b.hw); err != nil {
			errs = append(errs, fmt.Errorf("lockout: %w: it counts as active", err))
		}
	}
	for _, o := range b.outputs {
		if err := o.open(ctx, b.hw); err != nil {
			errs = append(errs, fmt.Errorf("output %s: %w", o.spec.Name, err))
		}
	}
	for _, in := range b.inputs {
		if err := in.open(ctx, b.hw); err != nil {
			errs = append(errs, fmt.Errorf("input %s: %w", in.spec.Name, err))
		}
	}
	return errs
}

// Do obeys one command. It blocks until the answer is known, which is after
// the last edge, or at once for a lease. ctx ending before the action started
// forbids it; after that it never stops it, nor the wait for its answer, save
// for the verb wait. Every command gets one answer; Do never panics on words.
func (b *Box) Do(ctx context.Context, c Command, m Meta) Answer {
	for _, o := range b.outputs {
		if o.spec.Name == c.Target {
			return b.alone(ctx, o, c, m)
		}
	}
	if ans := b.doWhole(ctx, c, m); ans != nil {
		return *ans
	}
	for _, in := range b.inputs {
		if in.spec.Name == c.Target {
			return in.do(ctx, c)
		}
	}
	if why, absent := b.o.Absent[c.Target]; absent {
		return refusal(c, "not served: "+why)
	}
	known := "this box has none"
	if names := b.Targets(); len(names) > 0 {
		known = "this box has " + strings.Join(names, ", ")
	}
	return refusal(c, fmt.Sprintf("unknown target %s: %s", quote(c.Target), known))
}

// refusal is the answer for a target that is not there.
func refusal(c Command, detail string) Answer {
	return Answer{State: Refused, Proof: "sent", Target: c.Target, Verb: c.Verb, Load: string(LoadUnknown), Edges: []Edge{}, Detail: detail}
}

// Report is the state of every target, outputs first, in the order of the
// spec. It touches no hardware and does not block.
func (b *Box) Report() []TargetState {
	states := make([]TargetState, 0, len(b.outputs)+len(b.inputs))
	for _, o := range b.outputs {
		states = append(states, o.shown.get())
	}
	for _, in := range b.inputs {
		states = append(states, in.state())
	}
	for _, w := range b.wholes {
		states = append(states, w.state())
	}
	if b.lockout != nil {
		states = append(states, b.lockoutState())
	}
	return states
}

// Changed has a value (capacity 1) after any change of what Report says.
func (b *Box) Changed() <-chan struct{} { return b.changed }

// Targets are the names of all targets, in the order of the spec.
func (b *Box) Targets() []string {
	var names []string
	for _, o := range b.outputs {
		names = append(names, o.spec.Name)
	}
	for _, in := range b.inputs {
		names = append(names, in.spec.Name)
	}
	for _, w := range b.wholes {
		names = append(names, w.name())
	}
	return slices.Clip(names)
}

func (b *Box) signal() {
	select {
	case b.changed <- struct{}{}:
	default: // one is waiting already and says as much
	}
}

// guard marks hardware work of at most workLimit.
func (b *Box) guard(worker string) (done func()) {
	if b.o.Guard == nil {
		return func() {}
	}
	return b.o.Guard(worker, workLimit)
}
