package device

import "slices"

// startSpec is what the hardware is told at the start. A member of an
// interlock never goes on there, since every group starts inside its dead time;
// nor does anything that a lock-out forbids.
func (o *output) startSpec() OutputSpec {
	s := o.spec
	if o.startLoad() == "" {
		s.AtStart = "keep"
	}
	if o.gate.lock != nil {
		s.Safe = LoadOff
		if s.AtStart == "on" {
			s.AtStart = "keep"
		}
	}
	return s
}

// startLoad is the load that at_start asks for; "" = that which it has.
func (o *output) startLoad() Load {
	l := Load(o.spec.AtStart)
	if l != LoadOn && l != LoadOff || l != o.spec.SafeLoad() && o.box.LockedOut() != "" {
		return ""
	}
	return l
}

// startGoal brings the load to where the opening of its line has not brought it: a board's
// channel, since opening a port sends nothing, to at_start; a member of an interlock that
// startSpec held back on, as at_start says, or as safe does when nobody drove the line before.
func (o *output) startGoal(first bool) {
	line, opens := o.gate.line.(interface{ Adopted() bool })
	load := o.startLoad()
	if !first {
		load = ""
	}
	switch {
	case load == LoadOn && o.gate.lock != nil, load != "" && !opens:
	case load == "" && o.gate.lock != nil && opens && !line.Adopted() && o.spec.SafeLoad() == LoadOn:
		load = LoadOn
	default:
		return
	}
	level := o.spec.ActiveFor(load)
	o.force(level, "start", "ended by start", nil, func(err error) {
		if err != nil && level != o.spec.SafeActive() {
			o.missStart(err)
		}
	})
}

// missStart gives up a start towards on, or off, that is not safe, when its first try fails:
// nothing may move by itself when a cable is put in an hour later.
func (o *output) missStart(err error) {
	if o.goal == nil || o.goal.why != "start" {
		return
	}
	o.box.o.Log.Warn("at_start is not done, since the output's hardware was not there", "output", o.spec.Name, "err", err)
	o.goal = nil
	o.retry.stop()
	o.gate.lock.unwant(o.gate)
}

// join puts the outputs together with what surrounds them.
func (b *Box) join() {
	b.lockout = newLockout(b, b.spec.Lockout)
	for _, s := range b.spec.Interlocks {
		l := &interlock{dead: s.DeadTime}
		for _, o := range b.outputs {
			if slices.Contains(s.Outputs, o.spec.Name) {
				o.gate.lock = l
				l.members = append(l.members, o.gate)
			}
		}
	}
	for _, o := range b.outputs {
		for _, in := range b.inputs {
			if in.spec.Name == o.spec.Confirm {
				o.shows = in
			}
		}
	}
}
