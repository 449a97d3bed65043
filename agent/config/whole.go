package config

import (
	"path/filepath"
	"strconv"
	"strings"

	"longarm/device"
)

// checkWholes: what targets that are made of others name is there and fits.
func (r *reader) checkWholes() {
	for _, s := range r.sections["group"] {
		s.checkMembers()
	}
	buttons := map[string]*section{} // output → the machine that presses it
	for _, s := range r.sections["machine"] {
		s.checkButtons(buttons)
	}
	for _, s := range r.sections["group"] {
		for _, name := range s.texted("members") {
			if m := buttons[name]; m != nil {
				s.warn("members", "it without "+show(name)+", a button of "+m.field, "it, which presses the button")
			}
		}
	}
	r.checkDevices()
}

// target finds the first target of a name; nil: there is none.
func (r *reader) target(name string) *section {
	for _, s := range r.of(targets...) {
		if s.name == name && name != "" {
			return s
		}
	}
	return nil
}

// names reports a key that must name a target of a kind. What a syntax error
// hides is not judged.
func (s *section) names(key, name, kind string) bool {
	t := s.r.target(name)
	switch {
	case t != nil && t.kind == kind:
		return true
	case t != nil:
		s.fault(key, "the name of an [["+kind+"]]", show(name)+", which is "+t.field)
	case !s.r.cut:
		s.fault(key, "the name of an [["+kind+"]]", show(name))
	}
	return false
}

// checkMembers: outputs, each once (the list's own rule), and never two of one
// interlock, since the second would switch the first off.
func (s *section) checkMembers() {
	in := map[string]bool{}
	for _, name := range s.texted("members") {
		s.names("members", name, "output")
		in[name] = true
	}
	for _, lock := range s.r.sections["interlock"] {
		var both []string
		for _, name := range lock.texted("outputs") {
			if in[name] {
				both = append(both, show(name))
			}
		}
		if len(both) > 1 {
			s.fault("members", "at most one output of "+lock.field, strings.Join(both, " and "))
		}
	}
}

// checkButtons: outputs of its own that a press fits on, and that are released
// when they are safe.
func (s *section) checkButtons(taken map[string]*section) {
	if s.has("led") {
		s.names("led", s.str("led"), "input")
	}
	for _, key := range []string{"power", "reset"} {
		name := s.str(key)
		if !s.has(key) || !s.names(key, name, "output") {
			continue
		}
		if o := taken[name]; o == s {
			s.fault(key, "another output than power", show(name))
			continue
		} else if o != nil {
			s.clash(key, o, "power", "a button of its own")
			continue
		}
		taken[name] = s
		s.fits(key, s.r.target(name).output())
	}
}

// fits holds a button against the presses that it is for.
func (s *section) fits(key string, o device.OutputSpec) {
	if o.SafeActive() {
		s.fault(key, "an output whose safe level releases the button", show(o.Name)+", which is safe while it is pressed")
	}
	for _, press := range []string{"press", "hold"} {
		if press == "hold" && key == "reset" {
			continue
		}
		spec := device.Spec{Outputs: []device.OutputSpec{o}}
		if err := spec.Check(device.Command{Target: o.Name, Verb: "pulse", Args: []string{s.dur(press).String()}}); err != nil {
			s.fault(press, "what "+o.Name+" allows", err.Error())
		}
	}
}

// checkDevices: one serial device, one owner.
func (r *reader) checkDevices() {
	first := map[string]*section{}
	for _, s := range r.of("board", "port") {
		key := map[string]string{"board": "port", "port": "device"}[s.kind]
		if !s.has(key) || strings.HasPrefix(s.str(key), "sim:") {
			continue
		}
		path := filepath.Clean(s.str(key))
		switch o := first[path]; {
		case o == nil:
			first[path] = s
		case s.kind == "port":
			s.clash(key, o, map[string]string{"board": "port", "port": "device"}[o.kind], "a device of its own")
		case o.kind == "port":
			s.clash(key, o, "device", "a port of its own")
		}
	}
}

// ownPort: its device, and exchanges with names of their own.
func (s *section) ownPort() {
	s.absolute("device")
	if text, ok := strings.CutPrefix(s.str("device"), "sim:"); ok {
		if _, err := device.Unescape(text); err != nil {
			s.fault("device", `"sim:" and what it replies`, err.Error())
		}
	}
	first := map[string]*section{}
	for _, x := range s.exchanges() {
		if o := first[x.name]; o != nil && x.name != "" {
			x.clash("name", o, "name", "a name of its own in this port")
			s.adopt(x)
		}
		first[x.name] = x
	}
	if !s.wrote("exchange") && !s.flag("raw") {
		s.fault("exchange", "at least one [[port.exchange]], or raw = true", "neither")
	}
}

// exchanges are the parts of a port.
func (s *section) exchanges() (all []*section) {
	v := s.table.values["exchange"]
	if v == nil {
		return nil
	}
	for _, x := range s.r.sections["port.exchange"] {
		for _, item := range v.items {
			if item.table == x.table {
				all = append(all, x)
			}
		}
	}
	return all
}

// ownExchange: texts that can be read, and nothing said twice that may not be.
func (s *section) ownExchange() {
	if s.has("send") {
		if out, err := device.Unescape(s.str("send")); err != nil {
			s.fault("send", `text with the escapes \r \n \t \xHH \\`, err.Error())
		} else if len(out) > 1024 {
			s.fault("send", "at most 1024 bytes", strconv.Itoa(len(out)))
		}
	}
	if s.has("expect") {
		if _, err := device.Pattern(s.str("expect")); err != nil {
			s.fault("expect", "a regular expression as Go's package regexp reads it", err.Error())
		}
	}
	if s.num("retries") > 0 && !s.flag("idempotent") {
		s.fault("retries", "idempotent = true beside it: what is asked again may be done twice", s.str("retries")+" without it")
	}
}

// leftTarget says that a target is not there, or is left out.
func (r *reader) leftTarget(name string) bool {
	t := r.target(name)
	return t == nil || r.left(t)
}

// leftPart names a part of a group or machine that is left out; "" = none.
func (r *reader) leftPart(s *section) string {
	var parts []string
	switch s.kind {
	case "group":
		parts = s.texted("members")
	case "machine":
		parts = []string{s.str("power"), s.str("reset"), s.str("led")}
	}
	for _, name := range parts {
		if name != "" && r.leftTarget(name) {
			return name
		}
	}
	return ""
}

func (r *reader) groups() (specs []device.GroupSpec) {
	for _, s := range r.sections["group"] {
		if !r.left(s) {
			specs = append(specs, device.GroupSpec{Name: s.name, Members: s.texted("members"), Delay: s.dur("delay")})
		}
	}
	return specs
}

func (r *reader) machines() (specs []device.MachineSpec) {
	for _, s := range r.sections["machine"] {
		if !r.left(s) {
			specs = append(specs, device.MachineSpec{
				Name: s.name, Power: s.str("power"), Reset: s.str("reset"), LED: s.str("led"),
				Press: s.dur("press"), Hold: s.dur("hold"), OnWithin: s.dur("on_within"), OffWithin: s.dur("off_within"),
			})
		}
	}
	return specs
}

func (r *reader) ports() (specs []device.PortSpec) {
	for _, s := range r.sections["port"] {
		if r.left(s) {
			continue
		}
		p := device.PortSpec{Name: s.name, Device: s.str("device"), Baud: s.num("baud"), Parity: s.str("parity"), Raw: s.flag("raw"), Gap: s.dur("gap")}
		for _, x := range s.exchanges() {
			p.Exchanges = append(p.Exchanges, device.ExchangeSpec{
				Name: x.name, Send: x.str("send"), Expect: x.str("expect"), Timeout: x.dur("timeout"), Retries: x.num("retries"),
			})
		}
		specs = append(specs, p)
	}
	return specs
}
