package config

// dropLater leaves out the outputs that a rule concerns which is not served
// or not readable: driving them without it could hurt somebody.
func (r *reader) dropLater() {
	concerned, there := map[string]bool{}, map[string]bool{}
	for _, s := range r.sections["output"] {
		there[s.name] = true
	}
	all := r.lockAll || len(r.sections["lockout"]) > 0
	for _, s := range r.sections["interlock"] {
		names := s.texted("outputs")
		all = all || len(names) == 0
		for _, n := range names {
			concerned[n] = true
			all = all || !there[n]
		}
	}
	for _, s := range r.sections["output"] {
		s.bad = s.bad || all || concerned[s.name]
	}
}

// left says that a target is left out.
func (r *reader) left(s *section) bool {
	k, _ := row(s.kind, "")
	switch {
	case s.bad || k.later:
		return true
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
