package device

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// The verbs of a machine.
const machineVerbs = "status, on, off, force-off, reset, reboot"

// forcedWithin is how long after a long press the LED may still be on.
const forcedWithin = 10 * time.Second

// machine is a computer behind its buttons. Each press is a pulse of the
// button's output, so that the button is released whatever becomes of the call,
// the agent or the box. It looks at the LED before and after, and never presses
// what the LED does not ask for.
type machine struct {
	spec         MachineSpec
	box          *Box
	power, reset *output // reset is nil without a button
	led          *input  // nil without
	missing      string  // why it is not usable: a part is not served
	running      shown
}

func newMachine(b *Box, spec *MachineSpec) *machine {
	m := &machine{spec: *spec, box: b, power: b.output(spec.Power), reset: b.output(spec.Reset), led: b.input(spec.LED)}
	s := &m.spec
	s.Press, s.Hold = cmp.Or(s.Press, DefaultPress), cmp.Or(s.Hold, DefaultHold)
	s.OnWithin, s.OffWithin = cmp.Or(s.OnWithin, DefaultOnWithin), cmp.Or(s.OffWithin, DefaultOffWithin)
	gone := ""
	switch {
	case m.power == nil:
		gone = "power button " + s.Power
	case m.reset == nil && s.Reset != "":
		gone = "reset button " + s.Reset
	case m.led == nil && s.LED != "":
		gone = "LED " + s.LED
	}
	if gone != "" {
		m.missing = "not usable: its " + gone + " is not served"
	}
	return m
}

func (m *machine) name() string { return m.spec.Name }

func (m *machine) check(c Command) error {
	if strings.Contains(" "+machineVerbs+",", " "+c.Verb+",") {
		return noArgs(c)
	}
	return unknownVerb(c, "a machine", machineVerbs)
}

// What a verb comes to, once the LED has been seen.
const (
	pressOn   = 'P' // a short press, then the LED must be on
	pressOff  = 'O' // a short press, then it must be off
	pressHold = 'H' // a long press, then it must be off
	pressRst  = 'R' // the reset button, then it must be on
	already   = '=' // it is there
	nothing   = 'n' // refused: nothing to reset
	asleep    = 's' // refused: it sleeps
	blind     = 'b' // refused: without a LED it would be a toggle
)

// choose is what a verb comes to while the light is on, off, blinking or not
// there, in this order (Redfish's ResetType: On, GracefulShutdown, ForceOff,
// ForceRestart). A press wakes a machine that sleeps; said twice it does once.
func (m *machine) choose(verb string, seen light) byte {
	row := "RPsb" // reboot
	switch verb {
	case "on":
		row = "=PPb"
	case "off":
		row = "O=sb"
	case "force-off":
		row = "H=HH"
	case "reset":
		row = "RnsR"
	}
	return row[seen]
}

// refusal is why nothing may be pressed; "" = it may.
func (m *machine) refusal(what byte) string {
	switch {
	case what == nothing:
		return "it is off, so there is nothing to reset: say on"
	case what == asleep:
		return "it sleeps, the LED blinks: a press would wake it; on wakes it, force-off cuts it off"
	case what == blind:
		return "it has no LED, so nobody can tell on from off, and one button does both: say " + m.spec.Power + " pulse " + words(m.spec.Press) + " to press it all the same"
	case what == pressRst && m.reset == nil:
		return "it has no reset button: say off, then on"
	}
	return ""
}

func (m *machine) do(ctx context.Context, c Command, meta Meta) *Answer {
	if m.missing != "" {
		return said(Refused, m.missing)
	}
	ans := said(Done, "")
	if c.Verb == "status" {
		m.status(ctx, ans)
		m.fill(ans)
		return ans
	}
	grip := m.box.grips.open(c, meta)
	defer grip.free()
	for _, target := range []string{m.spec.Name, m.spec.Power, m.spec.Reset} {
		if busy := grip.take(target, false); busy != "" && target != "" {
			ans.State, ans.Detail = Refused, busy
			m.fill(ans)
			return ans
		}
	}
	defer m.running.run(m.box, c.Verb+" of call "+meta.Call)()
	p := &part{out: m.power}
	ans.State, ans.Detail = m.obey(ctx, grip, p, c.Verb, meta)
	m.fill(ans)
	m.prove(ans, p)
	return ans
}

// obey looks, presses and looks again.
func (m *machine) obey(ctx context.Context, grip *grip, p *part, verb string, meta Meta) (state, detail string) {
	seen := lightNone
	if m.led != nil {
		var err error
		if seen, err = m.led.watch(ctx, grip.over); err != nil {
			return Refused, m.blinded(grip, err)
		}
	}
	what := m.choose(verb, seen)
	if why := m.refusal(what); why != "" {
		return Refused, why
	}
	if why := grip.ended(); why != "" {
		return Failed, why
	}
	width, goal, within, failed := m.spec.Press, lightOn, m.spec.OnWithin, ""
	switch what {
	case already:
		return Done, "it is " + seen.String() + " already"
	case pressOn:
		failed = "the button was pressed and nothing came of it"
	case pressOff:
		goal, within, failed = lightOff, m.spec.OffWithin, "it was asked to shut down: it takes longer, hangs or asks somebody; force-off is there"
	case pressHold:
		width, goal, within, failed = m.spec.Hold, lightOff, forcedWithin, "a long press did not help"
	case pressRst:
		p.out, failed = m.reset, "the reset button was pressed"
	}
	name := p.out.spec.Name
	p.told = Command{Target: name, Verb: "pulse", Args: []string{words(width)}}
	p.move(ctx, meta)
	switch {
	case p.ans.State != Done:
		return p.ans.State, name + ": " + p.ans.Detail
	case m.led == nil:
		return Done, name + " was pressed; without a LED nobody saw what came of it"
	}
	last, ok, err := m.led.reach(context.WithoutCancel(ctx), grip.over, goal, time.Now(), within)
	switch {
	case err != nil:
		return Failed, name + " was pressed and released; " + m.blinded(grip, err)
	case ok:
		return Done, ""
	}
	return Failed, last.String() + " and not " + goal.String() + " " + words(within) + " after the press: " + failed
}

// blinded says why the LED was not seen.
func (m *machine) blinded(grip *grip, err error) string {
	return cmp.Or(grip.ended(), "its LED "+m.spec.LED+": "+err.Error())
}

// status waits until the LED says what it means.
func (m *machine) status(ctx context.Context, ans *Answer) {
	start := time.Now()
	if m.led == nil {
		ans.State, ans.Detail = Unknown, "it has no LED, so nobody can tell whether it is on"
		return
	}
	seen, err := m.led.watch(ctx, m.box.closed)
	ans.Detail, ans.TookMS = seen.String(), time.Since(start).Milliseconds()
	if err != nil {
		ans.State, ans.Detail = Failed, "its LED "+m.spec.LED+": "+err.Error()
	}
}

// fill says how the machine stands.
func (m *machine) fill(ans *Answer) {
	s := m.state()
	ans.Active, ans.Load, ans.Proof = s.Active, s.Load, s.Proof
}

// prove adds what the press proved. What the LED shows outweighs what is known
// of the button, but nothing that is simulated is sensed.
func (m *machine) prove(ans *Answer, p *part) {
	if p.began.IsZero() {
		return
	}
	ans.Edges, ans.TookMS = p.ans.Edges, time.Since(p.began).Milliseconds()
	if m.led == nil || p.ans.State != Done || p.ans.Proof == "sim" {
		ans.Proof = p.ans.Proof
	}
}

// state is the machine as its LED shows it now. A LED that blinks tells no load.
func (m *machine) state() TargetState {
	s := TargetState{Load: string(LoadUnknown), Proof: "sent"}
	if m.led != nil {
		s = m.led.state()
		if s.Proof == "readback" {
			s.Proof = "sensed"
		}
		if m.led.glance().blinks(time.Now()) {
			s.Load, s.Detail = string(LoadUnknown), lightDoze.String()
		}
	}
	s.Name, s.Kind, s.Detail = m.spec.Name, "machine", m.running.or(cmp.Or(m.missing, s.Detail))
	return s
}
