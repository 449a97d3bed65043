package device

import "fmt"

// Watch has f told each change of an input from now on, the first level that is
// known left out. f is called from whoever saw the change and must return at
// once, without a call to the Box. One watcher: another takes its place.
func (b *Box) Watch(f func(input string, active bool)) { b.watcher.Store(&f) }

// Check says of a command what is wrong with its words, as far as a spec can
// tell; nil: a Box of this spec understands it.
func (s Spec) Check(c Command) error {
	b := New(s, nil, Options{})
	if o := b.output(c.Target); o != nil {
		_, err := o.spec.action(c)
		return err
	}
	for _, w := range b.wholes {
		if w.name() == c.Target {
			return w.check(c)
		}
	}
	if b.input(c.Target) == nil {
		return fmt.Errorf("unknown target %s", quote(c.Target))
	}
	switch c.Verb {
	case "read":
		return noArgs(c)
	case "wait":
		_, _, err := waitFor(c)
		return err
	}
	return unknownVerb(c, "an input", inputVerbs)
}

// Parts are the outputs and inputs that a target is made of; a target of one
// line is its own only part.
func (s Spec) Parts(target string) []string {
	for i := range s.Groups {
		if s.Groups[i].Name == target {
			return s.Groups[i].Members
		}
	}
	for i := range s.Machines {
		if m := &s.Machines[i]; m.Name == target {
			return []string{m.Power, m.Reset, m.LED}
		}
	}
	return []string{target}
}
