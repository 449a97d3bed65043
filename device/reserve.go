package device

import (
	"cmp"
	"fmt"
	"time"
)

// reserve checks an action and, if it may go on, lets its caller journal it.
func (o *output) reserve(a *act) {
	a.From = o.active
	switch {
	case o.fault != nil:
		o.finish(a, Refused, "not usable: "+o.fault.Error())
	case a.TowardsSafe:
		o.reserveSafe(a)
	case o.latched:
		o.finish(a, Refused, "power: the supply has failed, only moves towards safe are done")
	case o.stopping:
		o.finish(a, Refused, "stopping: only moves towards safe are done")
	case o.box.LockedOut() != "":
		o.finish(a, Refused, o.box.LockedOut())
	case o.whyBusy() != "":
		o.finish(a, Refused, o.whyBusy())
	case o.mustAsk():
		o.push(&order{op: opRead, then: func(*order) { o.asked = true; o.reserve(a) }})
	case a.Kind == KindSteady && o.at(a.To) && !o.proves():
		o.steadyAlready(a)
	default:
		o.reserveMove(a)
	}
}

// reserveSafe takes what a move towards safe finds reserved; what runs is
// ended when the move starts.
func (o *output) reserveSafe(a *act) {
	if a.Kind == KindSteady && o.cur == nil && !o.leased && o.at(a.To) && !o.proves() {
		o.finish(a, Done, o.already())
		return
	}
	if o.cur != nil && !o.cur.running {
		o.drop(o.cur, "ended by "+a.why())
	}
	o.safes++
	a.reserved <- struct{}{}
}

// reserveMove holds the limits against an action that is not towards safe.
func (o *output) reserveMove(a *act) {
	why := cmp.Or(o.limit(a), o.composed())
	if why == "" {
		why = o.gate.lock.take(o.gate, a)
	}
	if why != "" {
		o.finish(a, Refused, why)
		return
	}
	o.cur = a
	a.reserved <- struct{}{}
}

// steadyAlready is an on or off that finds the load there: no edge, but a
// lease is a lease no more. The caller is answered when that is journaled.
func (o *output) steadyAlready(a *act) {
	if o.leased {
		o.endLease()
	}
	o.finish(a, Done, o.already())
}

func (o *output) already() string { return "the load is " + string(o.load()) + " already" }

// mustAsk says that the level is unknown and was not asked for since the line
// last told of a change.
func (o *output) mustAsk() bool {
	return o.gate.reader != nil && !o.known && !o.asked
}

// whyBusy is empty when the output is free.
func (o *output) whyBusy() string {
	switch {
	case o.cur != nil:
		return "busy: " + o.cur.name()
	case o.sensing != nil:
		return "busy: " + o.sensing.a.name()
	case o.safes > 0:
		return "busy: a move towards safe is under way"
	case o.goal != nil:
		return "busy: " + o.goal.why
	case o.driving():
		return "busy: the line is being driven"
	}
	return ""
}

// limit is empty when the spec allows the action now.
func (o *output) limit(a *act) string {
	if a.Kind == KindCycle && o.load() == LoadOff {
		return "the load is off, so there is nothing to cycle: say on"
	}
	if (a.Kind == KindLease || a.Kind == KindSteady) && o.at(a.To) {
		return "" // a renewal moves nothing
	}
	return o.pace()
}

// pace is empty when an edge may follow now.
func (o *output) pace() string {
	now := time.Now()
	if since := now.Sub(o.lastEdge); !o.lastEdge.IsZero() && since < o.spec.MinDwell {
		return fmt.Sprintf("min_dwell: the last edge was %s ago, the next may follow after %s", since.Round(time.Millisecond), words(o.spec.MinDwell))
	}
	if most := o.spec.MaxPerHour; most > 0 {
		o.forget(now)
		if len(o.starts) >= most {
			return fmt.Sprintf("max_per_hour: %d actions in the last hour, the next may follow in %s", most, time.Hour-now.Sub(o.starts[0]).Round(time.Second))
		}
	}
	return ""
}

// count remembers a started action for max_per_hour.
func (o *output) count(now time.Time) {
	if o.spec.MaxPerHour > 0 {
		o.forget(now)
		o.starts = append(o.starts, now)
	}
}

// forget drops what started more than an hour ago, and the oldest beyond the
// limit, which moves towards safe can pass.
func (o *output) forget(now time.Time) {
	old := max(0, len(o.starts)-o.spec.MaxPerHour)
	for old < len(o.starts) && now.Sub(o.starts[old]) >= time.Hour {
		old++
	}
	o.starts = append(o.starts[:0], o.starts[old:]...)
}

// start is the owner's part after the journal: the last questions, then the
// first edge. err is what Begin said.
func (o *output) start(a *act, err error) {
	if a.TowardsSafe {
		o.startSafe(a)
		return
	}
	switch {
	case a.ended != "":
		o.finish(a, Failed, a.ended)
	case err != nil:
		o.cur = nil
		o.finish(a, Refused, err.Error())
	default:
		o.advance(a)
		return
	}
	o.noteLease() // the caller may have journaled one
}

// startSafe ends what runs and drives the line to safe.
func (o *output) startSafe(a *act) {
	o.safes--
	if !o.fresh(a) {
		return
	}
	a.begin(o)
	o.force(a.To, a.why(), "ended by "+a.why(), a, nil)
}

// fresh asks for the last time whether the call is still wanted.
func (o *output) fresh(a *act) bool {
	if a.meta.Fresh == nil {
		return true
	}
	err := a.meta.Fresh()
	if err != nil {
		o.finish(a, Expired, err.Error())
	}
	return err == nil
}
