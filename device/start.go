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

// startGoal brings a member of an interlock on that startSpec held back: that of
// at_start, or of safe when nobody drove the line before.
func (o *output) startGoal(first bool) {
	if o.gate.lock == nil {
		return
	}
	kept := true
	if a, ok := o.gate.line.(interface{ Adopted() bool }); ok {
		kept = a.Adopted()
	}
	if first && o.startLoad() == LoadOn || !kept && o.spec.SafeLoad() == LoadOn {
		o.force(o.spec.ActiveFor(LoadOn), "start", "ended by start", nil, nil)
	}
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
