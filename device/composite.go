package device

import (
	"context"
	"time"
)

// GroupSpec is several outputs that move together: `on` one by one, Delay
// apart; `off` all at once; `cycle` all off at once, then on one by one.
type GroupSpec struct {
	Name    string
	Members []string      // names of outputs, in the order in which they go on
	Delay   time.Duration // between two members that go on; 0 = none
}

// MachineSpec is a computer behind its buttons and its power LED. Power and
// Reset name outputs whose active level presses the button, LED an input.
type MachineSpec struct {
	Name       string
	Power      string
	Reset, LED string        // "" = there is none
	Press      time.Duration // a short press; 0 = DefaultPress
	Hold       time.Duration // a press that forces off; 0 = DefaultHold
	OnWithin   time.Duration // the LED must show on so long after a press; 0 = DefaultOnWithin
	OffWithin  time.Duration // and off so long after `off`; 0 = DefaultOffWithin
}

// What a MachineSpec that says nothing gets (hardware.md 2.5).
const (
	DefaultPress     = 200 * time.Millisecond
	DefaultHold      = 5500 * time.Millisecond
	DefaultOnWithin  = 30 * time.Second
	DefaultOffWithin = time.Minute
)

// PortSpec is a serial device that can be asked. Device is a path, or "sim:"
// and what a stand-in replies. Baud 0 = 9600, Parity "" = none.
type PortSpec struct {
	Name, Device string
	Baud         int
	Parity       string
	Raw          bool          // `send TEXT` is allowed
	Gap          time.Duration // least time between two exchanges; 0 = DefaultGap
	Exchanges    []ExchangeSpec
}

// ExchangeSpec is one question and its reply.
type ExchangeSpec struct {
	Name    string
	Send    string        // bytes that go out, see Unescape
	Expect  string        // the reply, see Pattern; "" = anything, ended by a pause of Gap
	Timeout time.Duration // of the reply; 0 = DefaultTimeout
	// Retries is how often it is sent again when no reply fits; only for what
	// does no harm when it is done twice.
	Retries int
}

// What a port that says nothing gets.
const (
	DefaultGap     = 50 * time.Millisecond
	DefaultTimeout = time.Second
)

// TriggerSpec is a call that the box makes by itself: at an edge of an input,
// or when the service has been away for a time. Package agent obeys it.
type TriggerSpec struct {
	Input   string        // at its edge; or
	Edge    Load          // "on" ("" too) or "off"
	Offline time.Duration // when the service is away so long
	Call    Command
	To      string        // id of the container that is called, only with Input; "" = this box
	Tries   int           // calls in a row, each Offline after the last; 0 = 1
	Then    time.Duration // pause after the last of them; 0 = none until the service was back
}

// Remote says that the call goes to another container, through the service.
func (s TriggerSpec) Remote() bool { return s.To != "" && s.To != "self" }

// whole is a target that is made of others, or of something else than lines.
type whole interface {
	name() string
	check(c Command) error // what is wrong with the words
	do(ctx context.Context, c Command, m Meta) *Answer
	state() TargetState
}

// addWholes makes the machines, ports and groups of the spec.
func (b *Box) addWholes() {
	for i := range b.spec.Machines {
		b.wholes = append(b.wholes, newMachine(b, &b.spec.Machines[i]))
	}
	for i := range b.spec.Ports {
		p := newPort(b, &b.spec.Ports[i])
		b.wholes, b.ports = append(b.wholes, p), append(b.ports, p)
	}
	for i := range b.spec.Groups {
		b.wholes = append(b.wholes, newGroup(b, &b.spec.Groups[i]))
	}
}

// doWhole is Do for a whole; nil: none has this name.
func (b *Box) doWhole(ctx context.Context, c Command, m Meta) *Answer {
	for _, w := range b.wholes {
		if w.name() != c.Target {
			continue
		}
		ans := said(Refused, "")
		if err := w.check(c); err != nil {
			ans.Detail = err.Error()
		} else {
			ans = w.do(ctx, c, m)
		}
		ans.Target, ans.Verb = c.Target, c.Verb
		return ans
	}
	return nil
}

// output finds an output by its name; nil when it is not served.
func (b *Box) output(name string) *output {
	for _, o := range b.outputs {
		if o.spec.Name == name {
			return o
		}
	}
	return nil
}

// input finds an input by its name; nil when it is not served.
func (b *Box) input(name string) *input {
	for _, in := range b.inputs {
		if in.spec.Name == name {
			return in
		}
	}
	return nil
}

// said is an answer without a line of its own.
func said(state, detail string) *Answer {
	return &Answer{State: state, Proof: "sent", Load: string(LoadUnknown), Edges: []Edge{}, Detail: detail}
}
