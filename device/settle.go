package device

import (
	"cmp"
	"errors"
	"time"
)

// Back-off of a level that must be reached: doubling, capped. Boards have
// their own back-off and tell when they are back, so none is needed here to
// spare them.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// goal is a level that must be reached: the owner tries until it is.
type goal struct {
	active bool
	why    string
	pause  time.Duration
	err    error // of the last try
	held   bool  // that was the interlock's
	warned bool
	asker  *claim // the last that asked for it

	until   time.Time // so long those below wait for an interlock
	acts    []*act
	reached func(error)
}

// force drives the line, ending whatever runs. ended is what the ended call is
// told. mover is the call that asked, if one did; reached hears of the first try.
func (o *output) force(level bool, why, ended string, mover *act, reached func(error)) {
	o.unsense(ended)
	var acts []*act
	if mover != nil {
		acts = append(acts, mover)
	}
	if a := o.cur; a != nil {
		o.drop(a, ended)
		if a.running {
			acts = append(acts, a)
		}
		o.width.stop()
	}
	g := o.aim(level, why, ended)
	g.until = time.Now().Add(o.patience())
	o.leaseEnd.stop()
	always := mover != nil && o.proves() || o.timing || level != o.gate.on && !o.gate.isOff()
	o.push(&order{op: opSet, active: level, why: why, always: always, prove: true, acts: acts, then: func(ord *order) { o.struck(g, ord, acts, reached) }})
}

// struck tells those who wait for a goal how a try went. While only the
// interlock is in the way, who asked for it waits on; who was ended does not.
func (o *output) struck(g *goal, ord *order, acts []*act, reached func(error)) {
	o.tried(g, ord.err)
	waits := o.goal == g && g.held && time.Now().Before(g.until)
	for _, a := range acts {
		switch {
		case waits && a.ended == "":
			g.acts = append(g.acts, a)
		case ord.err != nil && !waits:
			o.owe(a.meta.Call)
			o.failed(a, "the line is not there yet, trying until it is", ord.err)
		case a.ended != "":
			o.finish(a, Failed, a.ended)
		default:
			o.noteLease() // "on 10m" where on is safe is no lease
			o.conclude(a)
		}
	}
	switch {
	case reached == nil:
	case waits:
		g.reached = reached
	default:
		o.show() // who is told looks at the report
		reached(ord.err)
	}
}

// aim sets a new goal in place of the old one, and answers who waited for that.
func (o *output) aim(level bool, why, ended string) *goal {
	o.retry.stop()
	o.gate.lock.unwant(o.gate)
	old := o.goal
	o.goal = &goal{active: level, why: why, pause: firstRetry}
	if old != nil {
		for _, a := range old.acts {
			o.finish(a, Failed, ended)
		}
		if old.reached != nil {
			old.reached(errors.New(ended))
		}
	}
	return o.goal
}

// patience is how long a goal's askers wait for an interlock. A stop has no time.
func (o *output) patience() time.Duration {
	switch {
	case o.gate.lock == nil:
		return 0
	case o.stopping:
		return stopLimit / 2
	}
	return o.gate.lock.dead + breakLimit
}

// strive takes up a goal that a first try has missed already.
func (o *output) strive(level bool, call string, err error) {
	g := o.aim(level, "settle call "+call, "")
	o.owe(call)
	o.tried(g, err)
}

// owe journals a missed safe level as a lease, since the call that missed it is
// answered now: after a crash the journal knows of nothing else to settle.
func (o *output) owe(call string) {
	if g := o.goal; g != nil && g.active == o.spec.SafeActive() && !o.leased {
		o.leased, o.lease = true, call
	}
	o.noteLease()
}

// tried notes how a try went. A newer goal makes an old one void.
func (o *output) tried(g *goal, err error) {
	h, isHeld := errors.AsType[*held](err)
	switch {
	case o.goal != g:
	case isHeld:
		g.err, g.held = err, true
		o.retry.set(cmp.Or(h.wait, lastRetry))
		o.gate.lock.want(o.gate, nil, g.why)
	case err == nil:
		o.goal = nil
		o.gate.lock.unwant(o.gate)
		if g.warned {
			o.box.o.Log.Info("output reached its level at last", "output", o.spec.Name, "why", g.why)
		}
		if g.active == o.spec.SafeActive() {
			o.endLease()
		}
	default:
		if !g.warned {
			o.box.o.Log.Warn("output did not reach its level, trying on", "output", o.spec.Name, "why", g.why, "err", err)
		}
		g.err, g.warned = err, true
		o.retry.set(g.pause)
		g.pause = min(2*g.pause, lastRetry)
	}
}

// pursue is the next try.
func (o *output) pursue() {
	g := o.goal
	if g == nil {
		return
	}
	o.retry.stop()
	acts, reached := g.acts, g.reached
	g.held, g.acts, g.reached = false, nil, nil
	o.push(&order{op: opSet, active: g.active, why: g.why, always: true, prove: true, acts: acts, then: func(ord *order) { o.struck(g, ord, acts, reached) }})
}

// settling is the level at which nothing is left unfinished: a lease goes to
// safe, a pulse to inactive, a cycle to load on. ok is false when nothing is.
func (o *output) settling() (level, ok bool) {
	switch {
	case o.leased:
		return o.spec.SafeActive(), true
	case o.cur != nil && o.cur.running && o.cur.Kind != KindSteady:
		if o.cur.Kind == KindLease {
			return o.spec.SafeActive(), true
		}
		return o.cur.To, true
	}
	return false, false
}

// settle ends what is unfinished, and what is only reserved. A safe level is
// journaled before it is tried: a stop has no time, and its callers are answered,
// whatever hangs.
func (o *output) settle(why, ended string, reached func(error)) {
	o.unsense(ended)
	level, ok := o.settling()
	switch {
	case ok:
		if !o.leased && level == o.spec.SafeActive() {
			o.leased, o.lease = true, o.cur.meta.Call
			o.noteLease()
		}
		o.force(level, why, ended, nil, reached)
		return
	case o.goal != nil:
		o.force(o.goal.active, o.goal.why, ended, nil, reached)
		return
	case o.cur != nil && !o.cur.running:
		o.drop(o.cur, ended)
	case o.cur != nil:
		o.cur.after = append(o.cur.after, reached)
		return
	}
	reached(nil)
}
