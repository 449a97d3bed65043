// Package sim is hardware made of memory: outputs, inputs, a power-fail line and relay
// boards by name, a trace file of every edge, and a control socket that moves the inputs.
// It remembers the outputs' levels in the trace file, so that kill and restart mean
// something. It never opens a device.
package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
)

// Options says what a Machine writes to and listens on.
type Options struct {
	Trace   string       // path of the trace file, appended to; empty = no trace, no memory
	Control string       // path of the control socket; empty = none
	Log     *slog.Logger // nil = slog.Default
}

// Machine is one simulated box. It is safe for concurrent use.
type Machine struct {
	log     *slog.Logger
	trace   *trace
	control *net.UnixListener // nil without a control socket

	mu     sync.Mutex
	out    map[string]bool // names given out
	inputs map[string]*Input
	power  *Input
}

// New reads the last levels from the trace file and binds the control socket; Run serves
// it. A socket that another live process serves is an error, a left-over one is replaced.
// The caller closes the Machine after Run.
func New(o Options) (*Machine, error) {
	m := &Machine{log: o.Log, out: map[string]bool{}, inputs: map[string]*Input{}}
	if m.log == nil {
		m.log = slog.Default()
	}
	var err error
	if m.trace, err = openTrace(o.Trace); err != nil {
		return nil, err
	}
	if o.Control == "" {
		return m, nil
	}
	if m.control, err = bind(o.Control); err != nil {
		return nil, errors.Join(err, m.trace.close())
	}
	return m, nil
}

// Close ends the control socket and the trace file. Outputs fail afterwards.
func (m *Machine) Close() error {
	var err error
	if m.control != nil {
		if err = m.control.Close(); errors.Is(err, net.ErrClosed) { // Run closes it too
			err = nil
		}
	}
	return errors.Join(err, m.trace.close())
}

// OutputOptions says how a simulated output starts, as gpio.OutputOptions does.
type OutputOptions struct {
	Keep  bool // keep the last level in the trace file, if the name is there
	Fresh bool // the level otherwise
}

// Output gives the output of that name. Its line stands at its last level in the trace
// file, else inactive; driving it to Fresh from there is an edge if it differs. One name is
// given once.
func (m *Machine) Output(name string, o OutputOptions) (*Output, error) {
	m.mu.Lock()
	taken := m.out[name]
	m.out[name] = true
	m.mu.Unlock()
	if taken {
		return nil, fmt.Errorf("simulated output %q is in use", name)
	}
	_, known := m.trace.level(name)
	out := &Output{name: name, trace: m.trace, adopted: o.Keep && known}
	if out.adopted {
		return out, nil
	}
	if _, err := out.Set(o.Fresh, "start"); err != nil {
		return nil, err
	}
	return out, nil
}

// Output is one simulated output line.
type Output struct {
	name    string
	trace   *trace
	adopted bool
}

// Set moves the line; a change is one line in the trace file with why in it. The proof is
// always "sim". When the trace file cannot be written the line does not move.
func (o *Output) Set(active bool, why string) (proof string, err error) {
	if err := o.trace.set(o.name, active, why); err != nil {
		return "", fmt.Errorf("set simulated output %q: %w", o.name, err)
	}
	return "sim", nil
}

// Active is the line's level; it is always known.
func (o *Output) Active() (active, known bool, err error) {
	active, _ = o.trace.level(o.name)
	return active, true, nil
}

// Proof says that nothing real is read.
func (o *Output) Proof() string { return "sim" }

// Adopted reports whether the level came from the trace file.
func (o *Output) Adopted() bool { return o.adopted }

// StoredFault is nil: there is nothing stored.
func (o *Output) StoredFault() error { return nil }

// StoreName is empty and File nil: the trace file does the store's work.
func (o *Output) StoreName() string { return "" }

// File is nil.
func (o *Output) File() *os.File { return nil }

// Close does nothing: the line keeps its level.
func (o *Output) Close() error { return nil }

// names are the inputs that exist, for the control socket's errors.
func (m *Machine) names() []string {
	var n []string
	for name := range m.inputs {
		n = append(n, name)
	}
	slices.Sort(n)
	if m.power != nil {
		n = append(n, "power")
	}
	return n
}
