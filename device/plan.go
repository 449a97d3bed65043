package device

import (
	"errors"
	"time"
)

// breakLimit is how long the other members of an interlock may take to go off.
const breakLimit = workLimit

// advance brings a journaled action to its first edge as soon as its interlock
// lets it: break before make. It is called again whenever that may have
// changed, and never waits itself.
func (o *output) advance(a *act) {
	h := o.inTheWay(a)
	switch {
	case (h == nil || h.wait == 0) && !o.mayMove(a): // answered
	case h == nil:
		a.waiting = false
		o.way.stop()
		o.first(a)
	case h.wait > 0:
		a.waiting = true
		o.way.set(h.wait)
	case !a.broke:
		a.broke, a.waiting, a.giveUp = true, true, time.Now().Add(breakLimit)
		a.say(h.by + " was switched off first")
		o.gate.lock.want(o.gate, a, a.why())
		o.way.set(breakLimit)
	case h.tried || !time.Now().Before(a.giveUp):
		o.giveUp(a, Failed, "the line did not move: "+h.Error())
	default:
		o.way.set(time.Until(a.giveUp))
	}
}

// inTheWay is what the interlock has against an action that makes: all but off
// have the load on, in their course or at their end.
func (o *output) inTheWay(a *act) *held {
	steady := a.Kind == KindSteady || a.Kind == KindLease
	switch {
	case o.gate.lock == nil,
		a.Kind == KindSteady && o.spec.LoadFor(a.To) == LoadOff,
		steady && o.at(a.To) && !o.proves():
		return nil
	}
	return o.gate.lock.way(o.gate)
}

// mayMove asks, right before the hardware moves, whether it still may.
func (o *output) mayMove(a *act) bool {
	why, state := o.box.LockedOut(), Refused
	if !a.start.IsZero() {
		state = Failed // another member has moved for it
	}
	switch {
	case why != "":
		o.giveUp(a, state, why)
		return false
	case !a.start.IsZero():
		return true
	case !o.fresh(a):
		o.cur = nil
		o.noteLease() // the caller may have journaled one
		return false
	}
	a.start = time.Now()
	return true
}

// giveUp ends a reserved action that did not move its line.
func (o *output) giveUp(a *act, state, detail string) {
	o.cur = nil
	o.way.stop()
	o.noteLease()
	o.finish(a, state, detail)
}

// drop ends a reserved or running action; who waits for an interlock is
// answered now, who runs by whoever ends it.
func (o *output) drop(a *act, ended string) {
	a.ended = ended
	switch {
	case a.waiting:
		a.waiting = false
		o.giveUp(a, Failed, ended)
	case !a.running:
		o.gate.lock.release(a)
	}
	o.cur = nil
}

// heed does what a change in the group asks for: go off for another member,
// or go on where it stopped.
func (o *output) heed() {
	l := o.gate.lock
	if l == nil || o.gate.line == nil {
		return
	}
	c, clash := l.against(o.gate)
	switch {
	case c != nil:
		o.makeRoom(c)
	case clash && !o.bound(o.spec.SafeActive()):
		o.box.o.Log.Error("two loads of an interlock were on, going to safe", "output", o.spec.Name)
		o.force(o.spec.SafeActive(), "interlock", "ended by the interlock: two loads were on", nil, nil)
	}
	if a := o.cur; a != nil && a.waiting {
		o.advance(a)
	}
	if o.goal != nil && o.goal.held {
		if h := l.way(o.gate); h == nil {
			o.pursue()
		} else if h.wait > 0 {
			o.retry.set(h.wait)
		}
	}
}

// makeRoom goes off for another member. An action may ask that only within the
// limits, where off is not safe.
func (o *output) makeRoom(c *claim) {
	off := !o.gate.on
	g := o.goal
	switch {
	case g != nil && g.active == off && g.asker != c && !o.driving():
		g.asker = c
		o.pursue() // now, not when its pause is over
		return
	case o.bound(off):
		return
	case c.act != nil && off != o.spec.SafeActive():
		if why := o.pace(); why != "" {
			o.gate.failed(errors.New(why))
			return
		}
		o.count(time.Now())
	}
	o.force(off, c.why, "ended by "+c.why, nil, nil)
	o.goal.asker = c
}

// composed says which composed call has another member for itself; "" = none,
// or the one that this action is a step of.
func (o *output) composed() string {
	l, s := o.gate.lock, o.box.grips
	if l == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range l.members { // made once, never changed
		if g := s.by[m.name]; g != nil && g.why == "" && g != s.by[o.spec.Name] {
			return "busy: interlock with " + m.name + ": " + g.what
		}
	}
	return ""
}

// bound says that the line is at the level for good, or on its way.
func (o *output) bound(level bool) bool {
	if o.goal != nil {
		return o.goal.active == level
	}
	return o.cur == nil && o.at(level) && (level == o.gate.on || o.gate.isOff())
}
