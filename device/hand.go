package device

import (
	"errors"
	"time"
)

// The kinds of hardware work.
const (
	opSet   = "set"
	opProve = "prove"
	opRead  = "read"
	opLook  = "look" // what the line remembers, without asking the hardware

	opBack   = "back"   // the hardware's own timer has brought the line back: has it?
	opSense  = "sense"  // read the input that shows the load
	opReopen = "reopen" // the hardware may be back
)

// order is one piece of hardware work: the owner fills in the first part, the
// hand the second, then the owner calls then.
type order struct {
	op     string
	active bool
	why    string
	always bool          // send it although the line is there already
	width  time.Duration // the hardware shall bring the line back after it; 0 = not
	prove  bool          // the last edge: ask the hardware afterwards, if that takes time
	of     *act          // not worth doing once this action was ended
	acts   []*act        // whose edges and proofs these are
	then   func(*order)

	sent         bool          // Set returned without error
	at           time.Time     // of the edge; of opBack also when it was due
	kept         time.Duration // what the hardware makes of width
	proof        string
	err          error
	level, known bool // after a read or an error
}

func (o *output) push(ord *order) { o.queue = append(o.queue, ord) }

// pump gives the hand its next work; what needs no hardware is finished here.
func (o *output) pump() {
	for o.busy == nil && len(o.queue) > 0 {
		ord := o.queue[0]
		o.queue = o.queue[1:]
		switch {
		case ord.of != nil && ord.of.ended != "":
			// whoever ended it has also answered for it
		case ord.op == opSet && !ord.always && o.known && o.active == ord.active:
			ord.proof, ord.at = o.proof, time.Now()
			o.tellActs(ord, false)
		default:
			o.busy = ord
			o.jobs <- ord // has room: the hand has nothing else
		}
	}
}

// work is the hand: the one goroutine that may wait for the hardware.
func (o *output) work(jobs <-chan *order) {
	for ord := range jobs {
		o.perform(ord)
		o.done <- ord // has room: one order at a time
	}
}

func (o *output) perform(ord *order) {
	defer o.box.guard("output " + o.spec.Name)()
	g := o.gate
	switch ord.op {
	case opRead:
		ord.level, ord.known, ord.proof, ord.err = g.read()
		return
	case opReopen:
		if ord.err = g.reopener.Reopen(); ord.err != nil {
			return
		}
		fallthrough
	case opLook:
		ord.level, ord.known, ord.err = g.active()
		return
	case opSense:
		ord.err = o.shows.ask()
		return
	case opBack:
		if g.isBack(ord) {
			return
		}
		fallthrough
	case opSet:
		g.drive(ord)
	}
	if ord.err == nil && g.prover != nil && (ord.prove || ord.op == opProve) {
		ord.proof, ord.err = g.prove(ord.active)
	}
	if ord.err != nil {
		var err error
		ord.level, ord.known, err = g.active()
		ord.known = ord.known && err == nil
	}
}

// finished takes note of what the hand found, then goes on.
func (o *output) finished(ord *order) {
	o.busy = nil
	if ord.op == opSense {
		ord.then(ord)
		return
	}
	o.trying = ord.err
	before, knew := o.active, o.known
	level, known := ord.active, true
	if asks := ord.op == opRead || ord.op == opLook || ord.op == opReopen; ord.err != nil || asks {
		level, known = ord.level, ord.known && (ord.err == nil || !asks)
	}
	edge := o.see(level, known) && (ord.op == opSet || ord.op == opBack)
	if ord.sent && ord.err != nil && !known {
		edge = !knew || before != ord.active // sent, then lost sight of
	}
	if edge {
		o.lastEdge = ord.at
	}
	if known && ord.err == nil && ord.op != opLook && ord.op != opReopen {
		o.note(ord)
	}
	if ord.op == opSet || ord.op == opBack {
		o.timing = ord.width > 0 && !still(ord.err) || ord.width == 0 && o.timing && ord.err != nil
	}
	if edge {
		o.doubt = ""
	}
	o.watch(ord.err)
	o.tellActs(ord, edge)
}

// tellActs hands an order's outcome to the actions it belongs to.
func (o *output) tellActs(ord *order, edge bool) {
	for _, a := range ord.acts {
		a.record(ord, edge)
	}
	if ord.then != nil {
		ord.then(ord)
	}
}

// note keeps the proof; a simulated line stays one when it is read.
func (o *output) note(ord *order) {
	if ord.proof != "" && !(ord.op == opRead && o.proof == "sim") {
		o.proof = ord.proof
	}
	if ord.op == opRead {
		ord.proof = o.proof
	}
}

// look reads the level again after the line told of a change, and goes on with
// what could not be done before. A pulse, cycle or lease whose line went away is
// over: it is settled as soon as the line is back (design.md section 3).
func (o *output) look() {
	if o.timing {
		return // the hardware brings the line back by itself: opBack looks then
	}
	o.asked = false
	o.push(&order{op: opLook, then: o.looked})
}

func (o *output) looked(ord *order) {
	switch {
	case o.goal != nil:
		o.pursue()
	case ord.err != nil && (o.leased || !o.driving()): // a level on its way finds out itself
		o.settleLost()
	}
}

// settleLost ends what the line was in the middle of when it went away.
func (o *output) settleLost() {
	level, ok := o.settling()
	if !ok {
		return
	}
	call := o.lease
	if !o.leased {
		call = o.cur.meta.Call
	}
	o.force(level, "settle call "+call, "ended by a lost line", nil, nil)
}

// lost says that the error leaves nobody knowing whether the line moved.
func lost(err error) bool {
	u, ok := errors.AsType[uncertain](err)
	return ok && u.Uncertain()
}

// still says that the error is sure that the line did not move.
func still(err error) bool {
	u, ok := errors.AsType[uncertain](err)
	return ok && !u.Uncertain()
}

// uncertain is an error that knows whether the line may have moved.
type uncertain interface {
	error
	Uncertain() bool
}
