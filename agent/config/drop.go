package config

import "slices"

// left says that a target is left out.
func (r *reader) left(s *section) bool {
	switch {
	case s.bad:
		return true
	case s.kind == "group" || s.kind == "machine":
		return r.leftPart(s) != ""
	case s.kind == "port": // a lock-out that cannot be read would hold for it too
		return r.cut || r.lockAll || slices.ContainsFunc(r.sections["lockout"], func(l *section) bool { return l.bad })
	case s.kind != "output":
		return false
	case r.cut: // an interlock or a lock-out may follow the syntax error
		return true
	}
	return s.has("board") && r.boardLeft(s.str("board"))
}

func (r *reader) boardLeft(name string) bool {
	for _, b := range r.sections["board"] {
		if b.name == name {
			return b.bad
		}
	}
	return true
}

// dropped names the targets that are left out.
func (r *reader) dropped() (names []string) {
	seen := map[string]bool{}
	for _, s := range r.of(targets...) {
		if !r.left(s) {
			continue
		}
		n := s.name
		if n == "" {
			n = s.field
		}
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}
