package main

import (
	"slices"

	"longarm/device/board"
)

// proofs in the order of their worth (design.md section 2).
var proofs = [...]string{"sim", board.Sent, board.Acked, board.Readback, "sensed"}

const (
	proofSim = iota
	proofSent
	proofAcked
	proofReadback
	proofSensed
)

// times are the verbs whose edge back the output's board makes by itself, as
// far as an interlock lets it (gate.canTime in device).
func (o *outSpot) times(t *board.Timer) string {
	pulse := t.Active && (o.on || o.lock == nil)
	cycle := o.lock == nil && (o.on && t.Inactive || !o.on && t.Active)
	switch {
	case pulse && cycle:
		return "; board times pulse, cycle"
	case pulse:
		return "; board times pulse"
	case cycle:
		return "; board times cycle"
	}
	return ""
}

// sensed is a proof with an input that shows it too; what is simulated proves
// nothing.
func (k *checker) sensed(proof int, input string) string {
	if input == "" || proof == proofSim || k.sim != nil {
		return proofs[proof]
	}
	return "sensed by " + input
}

// least is what all of these outputs prove.
func (k *checker) least(outputs ...string) int {
	least := proofSensed
	for _, o := range k.outs {
		switch {
		case !slices.Contains(outputs, o.Name):
		case o.Confirm == "" || o.proof == proofSim || k.sim != nil:
			least = min(least, o.proof)
		}
	}
	return least
}
