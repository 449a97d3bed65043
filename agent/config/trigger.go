package config

import (
	"cmp"
	"slices"

	"longarm/device"
)

// ownTrigger: an input's edge, or the service away for a time.
func (s *section) ownTrigger() {
	s.oneOf("input", "offline")
	for _, only := range []struct{ key, with string }{{"edge", "input"}, {"tries", "offline"}, {"then", "offline"}} {
		if s.wrote(only.key) && !s.wrote(only.with) {
			s.fault(only.key, "it left out: it is for "+only.with, "it")
		}
	}
	switch to := s.str("to"); {
	case to == "self":
	case !goodUUID(to):
		s.fault("to", `"self", or another container's id such as "7602c7e0-5b1c-4c3a-9d55-0a4f1e2d3c4b"`, show(to))
	case s.wrote("offline"):
		s.fault("to", `"self": without the service no other container can be called`, show(to))
	}
}

// other is the container that the trigger calls; "" for this box.
func (s *section) other() string {
	if to := s.str("to"); to != "self" {
		return to
	}
	return ""
}

// goodUUID: 32 hexadecimal digits in five groups (RFC 9562, section 4).
func goodUUID(id string) bool {
	for i, c := range []byte(id) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(id) == 36
}

// checkTriggers: the input is there, and the call is one that this box would
// obey, or any for another one. spec is what is served; a target that is left
// out is not judged again.
func (r *reader) checkTriggers(spec device.Spec) {
	for _, s := range r.sections["trigger"] {
		if s.has("input") {
			s.names("input", s.str("input"), "input")
		}
		if !s.has("call") {
			continue
		}
		c, err := device.ParseCommand(s.str("call"))
		switch {
		case err != nil:
			s.fault("call", "a call as a button would say it", err.Error())
		case s.other() != "": // it knows what it has
		case c.Target == "agent":
			s.fault("call", "the name of a target", "agent, which a trigger cannot call")
		case r.target(c.Target) == nil:
			if !r.cut {
				s.fault("call", "the name of a target", show(c.Target))
			}
		case !r.left(r.target(c.Target)):
			if err := spec.Check(c); err != nil {
				s.fault("call", "a call that "+c.Target+" understands", err.Error())
			}
		}
	}
}

// triggers are those without a fault. One whose target is left out stays: its
// calls are refused with the reason, and told.
func (r *reader) triggers() (specs []device.TriggerSpec) {
	for _, s := range r.sections["trigger"] {
		c, err := device.ParseCommand(s.str("call"))
		if s.bad || err != nil || s.has("input") && r.leftTarget(s.str("input")) {
			continue
		}
		specs = append(specs, device.TriggerSpec{
			Input: s.str("input"), Edge: device.Load(s.str("edge")), Offline: s.dur("offline"),
			Call: c, To: s.other(), Tries: s.num("tries"), Then: s.dur("then"),
		})
	}
	return specs
}

// parts says of each target that is left out for a part of it, which that is.
func (r *reader) parts() map[string]string {
	var parts map[string]string
	for _, s := range r.of("group", "machine") {
		if part := r.leftPart(s); part != "" && !s.bad && s.name != "" {
			if parts == nil {
				parts = map[string]string{}
			}
			parts[s.name] = part
		}
	}
	return parts
}

// output is the section as a spec, faults or not.
func (s *section) output() device.OutputSpec {
	return device.OutputSpec{
		Name: s.name, Contact: device.Contact(s.str("contact")), Safe: device.Load(s.str("safe")),
		AtStart: s.str("at_start"), Longest: s.dur("longest"), MaxOn: s.dur("max_on"),
	}
}

// checkCycles warns of a group whose plain cycle cannot be as long as others',
// or not be at all.
func (r *reader) checkCycles(spec device.Spec) {
	for _, s := range r.sections["group"] {
		i := slices.IndexFunc(spec.Groups, func(g device.GroupSpec) bool { return g.Name == s.name })
		if i < 0 {
			continue
		}
		if err := spec.Check(device.Command{Target: s.name, Verb: "cycle"}); err != nil {
			s.warn(cmp.Or(s.first("delay"), "members"), "a delay with which its members can cycle", err.Error())
		}
	}
}
