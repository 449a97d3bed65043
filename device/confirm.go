package device

import (
	"cmp"
	"fmt"
	"time"
)

// sensing is an action whose line has moved and whose input shall show it.
type sensing struct {
	a     *act
	w     *wait
	until time.Time
}

func (o *output) within() time.Duration { return cmp.Or(o.spec.ConfirmWithin, DefaultConfirm) }

// expect lets the input look for what the first edge of a pulse or cycle does.
func (o *output) expect(a *act, first bool) {
	if o.shows != nil && o.known && o.active != first {
		a.mid = o.shows.expect(o.spec.LoadFor(first) == LoadOn)
	}
}

// conclude answers an action that went well, as soon as the input shows the
// load. An edge of the input counts at once, its level only when its debounce
// is over: until then it may be that of before.
func (o *output) conclude(a *act) {
	if o.shows == nil && o.spec.Confirm != "" {
		a.say(o.spec.Confirm + " did not confirm it: it is not served")
	}
	if o.shows == nil || !o.known {
		o.over(a, Done, "")
		return
	}
	o.sensing = &sensing{a: a, w: o.shows.expect(o.load() == LoadOn), until: time.Now().Add(o.within())}
	o.sense.set(o.shows.spec.Debounce)
}

// over answers the action and lets the next one in.
func (o *output) over(a *act, state, detail string) {
	if o.cur == a {
		o.cur = nil
	}
	o.finish(a, state, detail)
}

// senses is where the input tells that it shows the load.
func (o *output) senses() <-chan verdict {
	if o.sensing == nil {
		return nil
	}
	return o.sensing.w.over
}

// senseNow reads the input: when its debounce is over, and when the time is.
func (o *output) senseNow() {
	s := o.sensing
	if s == nil {
		return
	}
	o.shows.trust(s.w)
	o.push(&order{op: opSense, then: func(ord *order) {
		switch {
		case o.sensing != s || len(s.w.over) > 0: // ended, or sensed
		case ord.err != nil:
			o.unsense(ord.err.Error())
		case time.Now().Before(s.until):
			o.sense.set(time.Until(s.until))
		default:
			o.notShown(s.a, o.load())
		}
	}})
}

// sensed is told by the input.
func (o *output) sensed(v verdict) {
	a := o.sensing.a
	if v.state != Done {
		o.unsense(v.detail)
		return
	}
	if a.mid != nil && len(a.mid.over) == 0 {
		before := o.spec.LoadFor(!o.active)
		if a.Width >= o.within()+o.shows.spec.Debounce {
			o.notShown(a, before)
			return
		}
		o.unsense(fmt.Sprintf("it did not show the load %s in between", before))
		return
	}
	o.quitSensing()
	o.seenBy(a)
	o.over(a, Done, "")
}

// seenBy takes the input for a proof; a simulation proves nothing.
func (o *output) seenBy(a *act) {
	if weakest(a.proofs, o.proof) != "sim" && o.shows.proof() != "sim" {
		a.proofs, o.proof = []string{"sensed"}, "sensed"
	}
}

// notShown fails the action; its edges are as they are.
func (o *output) notShown(a *act, load Load) {
	o.quitSensing()
	o.doubt = fmt.Sprintf("the relay moved, but %s does not show the load %s within %s: look at the load", o.spec.Confirm, load, words(o.within()))
	o.over(a, Failed, o.doubt)
}

// unsense answers what waits for the input without it: the proof stays the line's.
func (o *output) unsense(why string) {
	if s := o.sensing; s != nil {
		o.quitSensing()
		s.a.say(o.spec.Confirm + " did not confirm it: " + why)
		o.over(s.a, Done, "")
	}
}

func (o *output) quitSensing() {
	o.shows.forget(o.sensing.w)
	o.sensing = nil
	o.sense.stop()
}

// compare answers a read with what the input says besides.
func (o *output) compare(a *act) {
	if o.shows == nil {
		o.finish(a, Done, "")
		return
	}
	o.push(&order{op: opSense, then: func(ord *order) {
		shown := LoadOff
		if o.shows.state().Active {
			shown = LoadOn
		}
		o.doubt = ""
		switch {
		case ord.err != nil:
			a.say(o.spec.Confirm + " did not confirm it: " + ord.err.Error())
		case shown == o.load():
			o.seenBy(a)
			a.say(o.spec.Confirm + " shows it too")
		default:
			o.doubt = fmt.Sprintf("%s shows the load %s: look at it", o.spec.Confirm, shown)
			a.say("but " + o.doubt)
		}
		o.finish(a, Done, "")
	}})
}
