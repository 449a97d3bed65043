package device

// lockoutName is how the lock-out switch is called in reports and by hardware.
const lockoutName = "lockout"

// newLockout is the lock-out switch, nil when the box has none.
func newLockout(b *Box, s *InputSpec) *input {
	if s == nil {
		return nil
	}
	named := *s
	named.Name = lockoutName
	return newInput(b, named)
}

// LockedOut says why only moves towards safe are done, as a sentence; "" when
// nobody has locked the box out. A switch that cannot be read counts as
// active. It goes by the last edge or read and never blocks.
func (b *Box) LockedOut() string {
	in := b.lockout
	if in == nil {
		return ""
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	err := in.fault
	if err == nil {
		err = in.unreadable
	}
	switch {
	case err != nil:
		return "locked out on site: the lock-out switch cannot be read, which counts as active (" + err.Error() + ")"
	case in.active || !in.known:
		return "locked out on site: the lock-out switch is active, only moves towards safe are done"
	}
	return ""
}

// askLockout reads the switch, since it may be gone without an edge.
func (b *Box) askLockout() {
	if b.lockout != nil {
		_ = b.lockout.ask() // LockedOut tells
	}
}

// lockoutState is the switch as a line of the report.
func (b *Box) lockoutState() TargetState {
	s := b.lockout.state()
	s.Kind, s.Detail = lockoutName, b.LockedOut()
	return s
}
