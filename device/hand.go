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
)

// order is one piece of hardware work: the owner fills in the first part, the
// hand the second, then the owner calls then.
type order struct {
	op     string
	active bool
	why    string
	always bool   // send it although the line is there already
	prove  bool   // the last edge: ask the hardware afterwards, if that takes time
	of     *act   // not worth doing once this action was ended
	acts   []*act // whose edges and proofs these are
	then   func(*order)

	sent         bool // Set returned without error
	at           time.Time
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
	prover, proves := o.line.(Prover)
	switch ord.op {
	case opRead:
		ord.level, ord.known, ord.proof, ord.err = o.readLine()
		return
	case opLook:
		ord.level, ord.known, ord.err = o.line.Active()
		return
	case opSet:
		ord.proof, ord.err = o.line.Set(ord.active, ord.why)
		ord.at = time.Now()
		ord.sent = ord.err == nil
	}
	if ord.err == nil && proves && (ord.prove || ord.op == opProve) {
		ord.proof, ord.err = prover.Prove(ord.active)
	}
	if ord.err != nil {
		var err error
		ord.level, ord.known, err = o.line.Active()
		ord.known = ord.known && err == nil
	}
}

// readLine reads the level at the hardware.
func (o *output) readLine() (active, known bool, proof string, err error) {
	if r, ok := o.line.(Reader); ok {
		return r.Read()
	}
	active, known, err = o.line.Active()
	return active, known, proofOf(o.line), err
}

// finished takes note of what the hand found, then goes on.
func (o *output) finished(ord *order) {
	o.busy = nil
	o.trying = ord.err
	before, knew := o.active, o.known
	level, known := ord.active, true
	if ord.err != nil || ord.op == opRead || ord.op == opLook {
		level, known = ord.level, ord.known && (ord.err == nil || ord.op == opSet || ord.op == opProve)
	}
	edge := o.see(level, known) && ord.op == opSet
	if ord.sent && ord.err != nil && !known {
		edge = !knew || before != ord.active // sent, then lost sight of
	}
	if edge {
		o.lastEdge = ord.at
	}
	if known && ord.err == nil && ord.op != opLook {
		o.note(ord)
	}
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
	o.asked = false
	o.push(&order{op: opLook, then: func(ord *order) {
		switch {
		case o.goal != nil:
			o.pursue()
		case ord.err != nil && (o.leased || !o.driving()): // a level on its way finds out itself
			o.settleLost()
		}
	}})
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
