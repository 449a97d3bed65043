package device

import (
	"context"
	"sync/atomic"
	"time"
)

// proveWidth is the least width in which the first edge of a pulse or cycle is
// proved too: the proof (LCUS: about 0.4 s) is over before the edge back.
const proveWidth = 2 * time.Second

// act is one command to an output, from the checks to its answer. Its owner
// changes it; the goroutine of Do waits on reserved and answer.
type act struct {
	Action
	meta     Meta
	reserved chan struct{} // cap 1: all checks passed
	answer   chan Answer   // cap 1: the one answer

	waiting bool      // journaled, for its interlock
	broke   bool      // and has asked the other members to go off
	giveUp  time.Time // they must have by then
	back    time.Time // the hardware brings the line back by itself; zero: it does not
	mid     *wait     // for the first edge to show at the input
	notes   []string  // the detail of an action that went well

	running  bool
	started  atomic.Bool // running, for the goroutine of Do
	answered bool
	after    []func(error) // told when it is answered
	ended    string        // who or what ended it
	start    time.Time
	was      bool // the line at the start
	edges    []Edge
	proofs   []string
}

func newAct(a Action, m Meta) *act {
	return &act{Action: a, meta: m, reserved: make(chan struct{}, 1), answer: make(chan Answer, 1)}
}

// why is what an edge of this action is for.
func (a *act) why() string { return "call " + a.meta.Call }

// say adds to the detail of an action that goes well.
func (a *act) say(note string) { a.notes = append(a.notes, note) }

func (a *act) name() string { return a.Kind + " of call " + a.meta.Call }

// prepare journals the action: the only part that may wait for a disk.
func (a *act) prepare(ctx context.Context) error {
	if a.meta.Begin == nil {
		return nil
	}
	return a.meta.Begin(ctx, a.Action)
}

// first starts a reserved action: its first edge.
func (o *output) first(a *act) {
	a.begin(o)
	ord := &order{op: opSet, active: a.To, why: a.why(), always: o.proves(), of: a, acts: []*act{a},
		prove: a.Kind == KindSteady || a.Kind == KindLease}
	switch a.Kind {
	case KindPulse:
		ord.active = true
	case KindCycle:
		ord.active = o.spec.ActiveFor(LoadOff)
	}
	if a.Width > 0 && a.Kind != KindLease {
		o.expect(a, ord.active)
		o.time(a, ord)
	}
	ord.then = o.afterFirst
	o.push(ord)
}

// begin is the moment that edges count from.
func (a *act) begin(o *output) {
	a.running, a.was = true, o.active
	if a.start.IsZero() {
		a.start = time.Now()
	}
	a.started.Store(true)
	if !o.known || o.active != a.To || a.Kind == KindPulse || a.Kind == KindCycle {
		o.count(a.start)
	}
}

func (o *output) afterFirst(ord *order) {
	a := ord.of
	switch {
	case a.ended != "": // whoever ended it answers for it
	case ord.err != nil:
		o.cur = nil
		o.afterFault(a, ord)
	case a.Kind == KindSteady:
		o.complete(a)
	case a.Kind == KindLease:
		o.lend(a, ord.at)
		o.complete(a)
	default:
		if ord.kept > 0 {
			o.timed(a, ord)
		} else {
			o.width.set(a.Width - time.Since(ord.at))
		}
		if a.Width >= proveWidth && o.proves() {
			o.push(&order{op: opProve, active: ord.active, of: a, acts: []*act{a}})
		}
	}
}

// widthOver is the edge back, on time whatever became of the caller.
func (o *output) widthOver() {
	a := o.cur
	if a == nil || !a.running {
		return
	}
	op := opSet
	if !a.back.IsZero() {
		op = opBack
	}
	o.push(&order{op: op, active: a.To, at: a.back, why: a.why(), always: true, prove: true, of: a, acts: []*act{a}, then: func(ord *order) {
		switch {
		case a.ended != "":
		case ord.err != nil:
			o.cur = nil
			o.strive(a.To, a.meta.Call, ord.err)
			o.failed(a, "the edge back failed, trying until it succeeds", ord.err)
		default:
			o.complete(a)
		}
	}})
}

// afterFault answers for a first edge that failed, and settles the line if it
// is not known to be where it was.
func (o *output) afterFault(a *act, ord *order) {
	if still(ord.err) || ord.known && ord.level == a.was {
		o.noteLease() // the caller may have journaled one
		o.failed(a, "the line did not move", ord.err)
		return
	}
	level := o.spec.SafeActive()
	if a.Kind == KindPulse || a.Kind == KindCycle {
		level = a.To
	}
	o.strive(level, a.meta.Call, ord.err)
	o.failed(a, "the line may have moved, settling it", ord.err)
}

// complete ends an action that went well.
func (o *output) complete(a *act) {
	if a.Kind == KindSteady || o.known && a.Kind != KindLease && o.active == o.spec.SafeActive() {
		o.endLease()
	}
	o.conclude(a)
}
