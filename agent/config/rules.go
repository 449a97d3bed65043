package config

import (
	"slices"
	"strings"
	"time"

	"longarm/device"
)

// checkRules: what interlocks, the lock-out and confirm name is there and fits.
func (r *reader) checkRules() {
	first := map[string]*section{} // output → its interlock
	for _, s := range r.sections["interlock"] {
		s.checkMutual(first)
	}
	for _, s := range r.sections["output"] {
		s.checkConfirm()
	}
	if len(r.sections["lockout"]) > 0 {
		if s := r.target("lockout"); s != nil {
			s.fault("name", "another name: with a [lockout], lockout is the switch in reports", show(s.name))
		}
	}
}

// checkMutual: outputs that are there, in no other interlock, and never two
// that some rule would bring on at the same time.
func (s *section) checkMutual(first map[string]*section) {
	var safe, start []string
	for _, name := range s.texted("outputs") {
		if !s.names("outputs", name, "output") {
			continue
		}
		if o := first[name]; o != nil {
			s.clash("outputs", o, "outputs", show(name)+" in one interlock only")
			continue
		}
		first[name] = s
		o := s.r.target(name).output()
		if o.SafeLoad() == device.LoadOn {
			safe = append(safe, show(name))
		}
		if o.AtStart == "on" || o.AtStart == "keep" && o.SafeLoad() == device.LoadOn {
			start = append(start, show(name))
		}
	}
	for _, both := range []struct {
		names []string
		what  string
	}{{safe, `safe = "on"`}, {start, `at_start = "on", or safe = "on" and at_start = "keep"`}} {
		if len(both.names) > 1 && !s.wrong {
			s.fault("outputs", "at most one output with "+both.what, strings.Join(both.names, " and "))
		}
	}
}

// checkConfirm: an input, and time enough for it to tell.
func (s *section) checkConfirm() {
	switch {
	case s.wrote("confirm_within") && !s.wrote("confirm"):
		s.fault("confirm_within", "it left out, or confirm beside it", "it alone")
	case s.has("confirm") && s.names("confirm", s.str("confirm"), "input"):
		if d := s.r.target(s.str("confirm")).dur("debounce"); s.dur("confirm_within") <= d {
			s.fault("confirm_within", "more than the debounce of "+s.str("confirm")+", "+short(int64(d)), short(int64(s.dur("confirm_within"))))
		}
	}
}

// confirmWithin is 0 without confirm.
func (s *section) confirmWithin() time.Duration {
	if !s.has("confirm") {
		return 0
	}
	return s.dur("confirm_within")
}

// dropRuled leaves out the outputs of a rule that is wrong, or of which another
// output is left out: driving them without it could hurt somebody.
func (r *reader) dropRuled() {
	all := r.lockAll || slices.ContainsFunc(r.sections["lockout"], func(s *section) bool { return s.bad })
	concerned := map[string]bool{}
	for _, s := range r.sections["interlock"] {
		names := s.texted("outputs")
		apart := s.bad || slices.ContainsFunc(names, func(n string) bool { t := r.target(n); return t != nil && r.left(t) })
		all = all || s.bad && len(names) == 0
		for _, n := range names {
			concerned[n] = concerned[n] || apart
			all = all || r.target(n) == nil
		}
	}
	for _, s := range r.sections["output"] {
		s.bad = s.bad || all || concerned[s.name]
	}
}

func (r *reader) interlocks() (specs []device.InterlockSpec) {
	for _, s := range r.sections["interlock"] {
		if !s.bad {
			specs = append(specs, device.InterlockSpec{Outputs: s.texted("outputs"), DeadTime: s.dur("dead_time")})
		}
	}
	return specs
}

// lockout is nil when there is no such section; when it is wrong no output is
// served at all.
func (r *reader) lockout() *device.InputSpec {
	all := r.sections["lockout"]
	if len(all) == 0 || all[0].bad {
		return nil
	}
	return &device.InputSpec{Line: all[0].lineRef(), Bias: all[0].str("bias"), Debounce: all[0].dur("debounce")}
}
