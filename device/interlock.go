package device

import (
	"fmt"
	"sync"
	"time"
)

// InterlockSpec names outputs of which at most one may have its load on, such
// as up and down of a motor. One goes on only when all others are known to be
// off, and DeadTime after the last of them went off, or after the start; 0 =
// at once. An output is in at most one interlock. It is no safety function:
// wire one too (hardware.md 2.7).
type InterlockSpec struct {
	Outputs  []string
	DeadTime time.Duration
}

// interlock is what the gates and owners of one group share. Whoever changes
// it rings the members' bells.
type interlock struct {
	dead time.Duration

	mu      sync.Mutex
	members []*gate
	holder  *act   // the action that has the group to itself
	claim   *claim // wants the others off
}

// claim is one member's wish that all others go off. For a goal act is nil.
type claim struct {
	by  *gate
	act *act
	why string
}

// held is the guard's refusal: the line did not move. wait is the rest of the
// dead time; 0 means that a member is not off. tried says that this member
// could not be switched off.
type held struct {
	by    string
	why   string
	wait  time.Duration
	tried bool
}

func (h *held) Error() string {
	if h.wait > 0 {
		return fmt.Sprintf("interlock: dead time after %s, %s left", h.by, h.wait.Round(time.Millisecond))
	}
	return "interlock: " + h.by + " " + h.why
}

// Uncertain is false: nothing moved.
func (*held) Uncertain() bool { return false }

// look says what keeps g from going on; nil = nothing. l.mu is held.
func (l *interlock) look(g *gate) *held {
	var worst *held
	for _, m := range l.members {
		switch {
		case m == g:
		case m.load != LoadOff:
			return &held{by: m.name, why: m.whyNotOff(), tried: m.line == nil || m.err != nil}
		default:
			if wait := l.dead - time.Since(m.offAt); wait > 0 && (worst == nil || wait > worst.wait) {
				worst = &held{by: m.name, wait: wait}
			}
		}
	}
	return worst
}

// way is look for an owner.
func (l *interlock) way(g *gate) *held {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.look(g)
}

// take gives the group to an action; why says who has it already.
func (l *interlock) take(g *gate, a *act) (why string) {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.holder; h != nil && h != a {
		return "busy: interlock with " + h.Target + ": " + h.name()
	}
	if c := l.claim; c != nil && c.by != g {
		return "busy: interlock with " + c.by.name + ": " + c.why
	}
	l.holder = a
	return ""
}

// release takes the group, and the claim, from an action.
func (l *interlock) release(a *act) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == a {
		l.holder = nil
	}
	if l.claim != nil && l.claim.act == a {
		l.claim = nil
	}
}

// want claims the group for g: a goal goes before an action, else the first
// one wins.
func (l *interlock) want(g *gate, a *act, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.claim; c != nil && c.by != g && (a != nil || c.act == nil) {
		return
	}
	if c := l.claim; c == nil || c.by != g || c.act != a {
		for _, m := range l.members {
			if m.line != nil {
				m.err = nil // what went wrong before is tried once more
			}
		}
	}
	l.claim = &claim{by: g, act: a, why: why}
	l.ring()
}

// unwant withdraws the claim of g's goal.
func (l *interlock) unwant(g *gate) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.claim; c != nil && c.by == g && c.act == nil {
		l.claim = nil
	}
}

// against is the claim that g must obey; clash says that two loads were on.
func (l *interlock) against(g *gate) (c *claim, clash bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clash, g.clash = g.clash, false
	if c = l.claim; c != nil && c.by == g {
		c = nil
	}
	return c, clash
}

// sound lets all members go to safe when two loads are on, which no call did;
// l.mu is held.
func (l *interlock) sound() {
	on := 0
	for _, m := range l.members {
		if m.load == LoadOn {
			on++
		}
	}
	for _, m := range l.members {
		m.clash = m.clash || on > 1
	}
}

// ring wakes all owners; l.mu is held.
func (l *interlock) ring() {
	for _, m := range l.members {
		select {
		case m.bell <- struct{}{}:
		default: // it rings already
		}
	}
}
