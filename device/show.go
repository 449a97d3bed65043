package device

import (
	"fmt"
	"sync"
)

// board shows the owner's state to others.
type board struct {
	mu    sync.Mutex
	state TargetState
}

func (b *board) get() TargetState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// put says whether that is news.
func (b *board) put(s TargetState) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.state
	b.state = s
	return old != s
}

// show publishes the owner's state.
func (o *output) show() {
	s := TargetState{Name: o.spec.Name, Kind: "output", Load: string(o.load()), Active: o.active, Proof: o.proof, Detail: o.detail()}
	if o.shown.put(s) {
		o.box.signal()
	}
}

// detail says what is wrong, or going on.
func (o *output) detail() string {
	switch {
	case o.fault != nil:
		return "not usable: " + o.fault.Error()
	case o.goal != nil && o.goal.err != nil:
		return fmt.Sprintf("%s: not there yet, trying until it is: %v", o.goal.why, o.goal.err)
	case o.goal != nil:
		return o.goal.why + ": under way"
	case o.trying != nil:
		return o.trying.Error()
	case o.latched:
		return "power: latched until the power is back"
	case o.cur != nil && o.cur.waiting:
		return o.cur.name() + ": waiting for its interlock"
	case o.cur != nil && o.cur.running:
		return o.cur.name()
	case o.leased:
		return "lease of call " + o.lease
	}
	return o.doubt
}
