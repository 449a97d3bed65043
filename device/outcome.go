package device

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// record notes an outcome: the edge that came of it, and what it proved.
func (a *act) record(ord *order, edge bool) {
	switch {
	case !a.running || a.answered:
		return
	case edge:
		a.edges = append(a.edges, Edge{Active: ord.active, AtMS: ord.at.Sub(a.start).Milliseconds()})
	case ord.op == opProve && ord.err == nil && len(a.proofs) > 0:
		a.proofs = a.proofs[:len(a.proofs)-1]
	}
	if ord.err == nil && ord.proof != "" {
		a.proofs = append(a.proofs, ord.proof)
	}
}

// proofs in the order of their worth; "sim" proves nothing about a real line.
var proofs = []string{"sim", "sent", "acked", "readback", "sensed"}

// weakest is the least of the proofs, or otherwise when there is none.
func weakest(list []string, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	return slices.MinFunc(list, func(a, b string) int { return slices.Index(proofs, a) - slices.Index(proofs, b) })
}

// finish gives the action its one answer.
func (o *output) finish(a *act, state, detail string) {
	if a.answered {
		return
	}
	a.answered = true
	if detail == "" {
		detail = strings.Join(a.notes, "; ")
	}
	if a.mid != nil {
		o.shows.forget(a.mid)
	}
	o.gate.lock.release(a)
	o.show()                                 // who is answered looks at the report
	a.answer <- o.answerOf(a, state, detail) // has room: the only one
	for _, f := range a.after {
		f(nil)
	}
}

// answerOf says how things stand now.
func (o *output) answerOf(a *act, state, detail string) Answer {
	ans := Answer{State: state, Proof: weakest(a.proofs, o.proof), Target: a.Target, Verb: a.Verb,
		Active: o.active, Load: string(o.load()), Edges: slices.Clip(a.edges), Detail: detail}
	if ans.Edges == nil {
		ans.Edges = []Edge{}
	}
	if a.running {
		ans.TookMS = time.Since(a.start).Milliseconds()
	}
	return ans
}

// failed answers an action whose hardware work went wrong. One that has moved the
// line, which now nobody can see, is unknown: who reads "failed" clicks again.
func (o *output) failed(a *act, what string, err error) {
	state := Failed
	if lost(err) || len(a.edges) > 0 && !o.known {
		state = Unknown
	}
	parts := slices.DeleteFunc([]string{a.ended, what}, func(s string) bool { return s == "" })
	o.finish(a, state, fmt.Sprintf("%s: %v", strings.Join(parts, "; "), err))
}
