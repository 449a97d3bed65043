package device

import (
	"errors"
	"time"
)

// gate is the only way to an output's line, and the guard of its interlock: no
// level that gives load on passes while another member is not known to be off
// or the dead time is not over. Load off always passes. Without an interlock
// it lets everything through. Its methods up to reopen are the hand's.
type gate struct {
	name string
	on   bool // the line level that gives load on
	lock *interlock
	bell chan struct{} // cap 1: something changed in the group

	line     Line // nil: not opened
	prover   Prover
	reader   Reader
	timer    Timer
	reopener Reopener

	unproved bool // load off was sent and not proved yet

	// Under lock.mu.
	load  Load      // unknown counts as on
	offAt time.Time // when load off was known first
	clash bool      // two loads were on, and this owner has not heard of it
	err   error     // of the last try to go off; also why the line could not be opened
}

func newGate(s OutputSpec) *gate {
	return &gate{name: s.Name, on: s.ActiveFor(LoadOn), load: LoadUnknown, bell: make(chan struct{}, 1), err: errors.New("not opened yet")}
}

// open takes the line in.
func (g *gate) open(line Line) {
	g.line = line
	g.prover, _ = line.(Prover)
	g.reader, _ = line.(Reader)
	g.timer, _ = line.(Timer)
	g.reopener, _ = line.(Reopener)
	g.failed(nil)
}

// set drives the line, if it may.
func (g *gate) set(active bool, why string) (proof string, err error) {
	before, err := g.pass(active)
	if err != nil {
		return "", err
	}
	proof, err = g.line.Set(active, why)
	g.driven(active, before, err)
	return proof, err
}

// timed drives the line for a time that the hardware keeps, if it may.
func (g *gate) timed(active bool, width time.Duration, why string) (kept time.Duration, proof string, err error) {
	before, err := g.pass(active)
	if err != nil {
		return 0, "", err
	}
	kept, proof, err = g.timer.Timed(active, width, why)
	g.driven(active, before, err)
	return kept, proof, err
}

// canTime also says no to an edge back that would switch a member on: nobody
// could hold it back.
func (g *gate) canTime(active bool, width time.Duration) bool {
	return g.timer != nil && (g.lock == nil || active == g.on) && g.timer.CanTime(active, width)
}

// prove asks whether the line is where it was told to be.
func (g *gate) prove(active bool) (proof string, err error) {
	proof, err = g.prover.Prove(active)
	if err == nil {
		g.unproved = false
	}
	g.became(active, err == nil)
	return proof, err
}

// active is what is thought of the line.
func (g *gate) active() (active, known bool, err error) {
	active, known, err = g.line.Active()
	g.seen(active, known && err == nil)
	return active, known, err
}

// read asks the hardware, where that is more than to remember.
func (g *gate) read() (active, known bool, proof string, err error) {
	if g.reader == nil {
		active, known, err = g.active()
		return active, known, proofOf(g.line), err
	}
	active, known, proof, err = g.reader.Read()
	g.seen(active, known && err == nil)
	return active, known, proof, err
}

func (g *gate) seen(active, known bool) {
	if g.unproved && known && active != g.on {
		return // it says only what it was told
	}
	g.became(active, known)
}

// pass is the guard. From here on a member that may go on counts as on.
func (g *gate) pass(active bool) (before Load, err error) {
	if g.lock == nil {
		return "", nil
	}
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	before = g.load
	if active != g.on {
		return before, nil
	}
	if h := g.lock.look(g); h != nil {
		return before, h
	}
	g.load = LoadUnknown
	return before, nil
}

// driven takes note of what a drive has done.
func (g *gate) driven(active bool, before Load, err error) {
	switch {
	case g.lock == nil:
	case err != nil && still(err):
		g.became(before == LoadOn == g.on, before != LoadUnknown)
	case err != nil:
		g.became(active, false)
	case active == g.on, g.prover == nil, before == LoadOff:
		g.unproved = false
		g.became(active, true)
	default:
		g.unproved = true
	}
	if active != g.on {
		g.failed(err)
	}
}

// became is the new truth about the member.
func (g *gate) became(active, known bool) {
	if g.lock == nil {
		return
	}
	l := LoadUnknown
	switch {
	case known && active == g.on:
		l = LoadOn
	case known:
		l = LoadOff
	}
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	if l == g.load {
		return
	}
	if l == LoadOff {
		g.offAt = time.Now()
	}
	g.load = l
	g.lock.sound()
	g.lock.ring()
}

// failed notes why the member is not off.
func (g *gate) failed(err error) {
	if g.lock == nil {
		return
	}
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	g.err = err
	g.lock.ring()
}

// isOff says that the others need not wait for this one.
func (g *gate) isOff() bool {
	if g.lock == nil {
		return true
	}
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	return g.load == LoadOff
}

// whyNotOff says what to do about it; lock.mu is held.
func (g *gate) whyNotOff() string {
	why := ""
	if g.err != nil {
		why = " (" + g.err.Error() + ")"
	}
	switch {
	case g.line == nil:
		return "is not usable" + why + " and counts as on: repair it, or take it out of the [[interlock]]"
	case g.load == LoadOn:
		return "is on" + why
	}
	return "may be on, nobody knows" + why + ": look at it, then say " + g.name + " off"
}
