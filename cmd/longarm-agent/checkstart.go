package main

import (
	"slices"
	"time"
)

// open is what becomes of a line by the rules of machine.OpenOutput and of
// device: its level is adopted, or it is driven to safe or to at_start; a
// member of an interlock is not driven on, but goes on later. why is why, or
// what may keep at_start from it.
func (k *checker) open(o *outSpot) {
	kept := o.Board != "" || o.adopted && o.at != loadOff
	o.driven = !kept || o.Board == "" && o.at == loadOn && o.lock == nil
	if o.Board != "" && (o.at == loadOff || o.lock == nil) {
		o.asks = o.at // its port is opened first
	}
	switch {
	case !o.driven && o.known:
		o.load = o.gives(o.active)
	case !o.driven:
	case o.at == loadOff, o.at == loadOn && o.lock == nil:
		o.load = o.at
	case o.lock != nil:
		o.load = loadOff
	default:
		o.load = o.safe
	}
	o.goes = o.lock != nil && !o.lost && (o.at == loadOn || o.at == loadUnknown && !kept && o.safe == loadOn)
	switch {
	case o.at == loadUnknown:
		o.why = " (safe)"
	case k.cfg.Device.Lockout != nil && k.sim == nil && o.at != o.safe:
		o.why = ", unless locked out"
	case o.adopted && !o.known:
		o.why = ", unless it is so already"
	}
}

// start says in words what the start does to an output. Of an interlock, two
// that are on go to safe, and one goes on only when the others are off and the
// dead time is over; a lock-out forbids what is not towards safe.
func (k *checker) start(o *outSpot) string {
	on, goer := 0, ""
	for _, m := range k.outs {
		switch {
		case !slices.Contains(o.lock, m.Name):
		case m.load == loadOn:
			on++
		case m.goes:
			goer = m.Name
		}
	}
	goal, before, rest := o.load, "", ""
	switch {
	case o.lost:
		return "not served"
	case on > 1:
		goal, rest = o.safe, ": two were on"
	case o.asks != loadUnknown:
		goal, rest = o.asks, o.why
	case o.goes && o.load != loadOn:
		goal, rest = loadOn, " after the dead time, when the others are off"+o.why
		if o.driven && (!o.known || o.active == o.on) {
			before = "load off; then "
		}
	case goer != "":
		goal, rest = loadOff, ": "+goer+" goes on"
	case o.driven:
		rest = o.why
	case o.Board != "":
		return "nothing: no byte is sent"
	case o.MaxOn > 0 && o.load != loadOff:
		return "nothing: level is adopted, load on for at most " + span(o.MaxOn)
	default:
		return "nothing: level is adopted"
	}
	if o.known && o.gives(o.active) == goal && before == "" {
		return "nothing: load is " + loads[goal]
	}
	return before + "line goes " + o.stands((goal == loadOn) == o.on) + rest
}

// span is a duration without the zeros that Duration.String adds.
func span(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if n := len(s) - len(zero); n > 0 && s[n:] == zero {
			s = s[:n+1]
		}
	}
	return s
}
