package device

import "time"

// timerMargin is how much longer than promised a board's own timer may take:
// a hundredth of the time, since its clock is none, and this.
const timerMargin = 250 * time.Millisecond

// drive is the hand's Set, or Timed where the edge back is the hardware's.
func (g *gate) drive(ord *order) {
	if ord.width > 0 {
		ord.kept, ord.proof, ord.err = g.timed(ord.active, ord.width, ord.why)
	} else {
		ord.proof, ord.err = g.set(ord.active, ord.why)
	}
	ord.at = time.Now()
	ord.sent = ord.err == nil
}

// isBack says that the hardware's timer has brought the line back. What cannot
// be asked is told once more.
func (g *gate) isBack(ord *order) bool {
	if g.prover != nil {
		proof, err := g.prove(ord.active)
		ord.proof = proof
		return err == nil && proof != "sent" && proof != "acked"
	}
	active, known, proof, err := g.read()
	ord.proof = proof
	return err == nil && known && active == ord.active
}

// time makes the first edge of a pulse or cycle one that the hardware ends.
func (o *output) time(a *act, ord *order) {
	if o.gate.canTime(ord.active, a.Width) {
		ord.width, ord.always = a.Width, true
		o.timing = true // from now on a plain Set must be sent, whatever the level is
	}
}

// timed plans the look at a line that comes back by itself.
func (o *output) timed(a *act, ord *order) {
	a.back = ord.at.Add(ord.kept)
	if late := ord.kept - a.Width; late > 100*time.Millisecond {
		a.say("the board's own timer kept it for " + words(ord.kept))
	}
	o.width.set(time.Until(a.back.Add(timerMargin + ord.kept/100)))
}
