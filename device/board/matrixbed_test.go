package board

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longarm/device"
	"longarm/device/board/boardsim"
)

// variant is one way in which boards of a family are found.
type variant struct {
	family Family
	spec   Spec
	proof  string // the best that it can prove
	quirks boardsim.Quirks
}

// variants are the sizes of a family, of a chain of equal cards the least, one
// between and the most, and of a family that is spoken to as the config says the
// ways to speak that its simulator knows.
func variants(f Family) (all []variant) {
	sizes := f.Sizes
	if sizes == nil {
		sizes = []int{1, 3, MostChannels}
	}
	if n := len(sizes); n > 6 {
		sizes = []int{sizes[0], sizes[n/2], sizes[n-1]}
	}
	maps := []Map{{}}
	if f.Map {
		maps = []Map{{Function: writeRegister, On: 1, Read: readRegisters}, {Function: writeCoil, On: coilOn, Read: readCoils}, {Function: writeRegister, On: 1}}
	}
	for _, size := range sizes {
		for _, m := range maps {
			v := variant{f, Spec{Name: "b1", Driver: f.Name, Channels: size, Unit: f.Unit, Map: m}, f.Proof, boardsim.Quirks{TooFast: max(f.Gap, frameGap(f.Baud))}}
			if f.Map && m.Read == 0 {
				v.proof = Acked
			}
			all = append(all, v)
		}
	}
	return all
}

func (v variant) String() string {
	text := fmt.Sprint(v.spec.Channels, " channels")
	if v.family.Map {
		text += fmt.Sprintf(", function %d, read %d", v.spec.Map.Function, v.spec.Map.Read)
	}
	return text
}

// bed is a box whose one output, "load", is the last channel of a simulated
// board, over a cable that can be unplugged.
type bed struct {
	*testing.T
	variant
	sim   *boardsim.Board
	cable *boardsim.Cable
	port  *Port
	box   *device.Box
	first chan time.Time // the first edge of what was started last

	stopPort, stopBox func()

	mu    sync.Mutex
	edges []edge // of the relay
	calls int
}

// edge is one change of a relay.
type edge struct {
	active bool
	at     time.Time
}

// lay runs a test on a bed, in a bubble.
func lay(t *testing.T, v variant, contact device.Contact, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bed{T: t, variant: v, first: make(chan time.Time, 1)}
		var err error
		if b.sim, err = boardsim.New(v.spec.Driver, v.spec.Channels, v.spec.Unit, v.quirks); err != nil {
			t.Fatal(err)
		}
		b.sim.Watch(b.moved)
		b.cable = boardsim.NewCable(b.sim)
		b.port = NewPort(func() (Wire, error) { return b.cable.Open() }, PortOptions{})
		one, err := b.port.add(v.family, v.spec)
		if err != nil {
			t.Fatal(err)
		}
		b.box = device.New(device.Spec{Outputs: []device.OutputSpec{{Name: "load", Channel: v.spec.Channels, Contact: contact, Longest: 24 * time.Hour}}}, opened{one}, device.Options{})
		b.run()
		test(b)
		b.stopBox() // the output settles first
		b.stopPort()
		if t.Failed() {
			t.Logf("%s, contact %s", v, contact)
		}
	})
}

// opened is the device.Hardware of a bed.
type opened struct{ b *Board }

func (o opened) OpenOutput(s device.OutputSpec) (device.Line, error) { return o.b.Channel(s.Channel) }
func (opened) OpenInput(device.InputSpec, func(bool)) (device.Level, error) {
	return nil, errors.ErrUnsupported
}

// run runs port and box, each until it is stopped.
func (b *bed) run() {
	base := context.WithoutCancel(b.Context())
	running := func(f func(ctx context.Context)) (stop func()) {
		ctx, cancel := context.WithCancel(base)
		var wg sync.WaitGroup
		wg.Go(func() { f(ctx) })
		return func() { cancel(); wg.Wait() }
	}
	b.stopPort = running(b.port.Run)
	synctest.Wait()
	if errs := b.box.Open(base); len(errs) > 0 {
		b.Error(errs)
	}
	b.stopBox = running(func(ctx context.Context) { _ = b.box.Run(ctx) }) // what it could not settle the cells look at
}

// moved is told each edge of the relay.
func (b *bed) moved(channel int, active bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if channel != b.spec.Channels {
		b.Errorf("channel %d moved, which nobody spoke of", channel)
	}
	b.edges = append(b.edges, edge{active, time.Now()})
	select {
	case b.first <- time.Now():
	default: // it is not the first
	}
}

// do has the box obey, and gives its answer; what the call before left behind,
// such as a look at the line, is over then.
func (b *bed) do(text string) device.Answer {
	time.Sleep(time.Second)
	c, err := device.ParseCommand(text)
	if err != nil {
		b.Fatal(err)
	}
	b.mu.Lock()
	b.calls++
	call := fmt.Sprint("c", b.calls)
	b.mu.Unlock()
	return b.box.Do(context.WithoutCancel(b.Context()), c, device.Meta{Call: call})
}

// want does it, and holds the answer against what it should be. An empty wish
// is none.
func (b *bed) want(text, state, load, proof string) device.Answer {
	b.Helper()
	ans := b.do(text)
	if ans.State != state || load != "" && ans.Load != load || proof != "" && ans.Proof != proof {
		b.Errorf("%s: got %s, load %s, proof %s (%s); want %s, load %s, proof %s", text, ans.State, ans.Load, ans.Proof, ans.Detail, state, load, proof)
	}
	return ans
}

// start does it beside the test, which goes on at the first edge.
func (b *bed) start(text string) (began time.Time, ended <-chan device.Answer) {
	b.forget()
	answer := make(chan device.Answer, 1)
	go func() { answer <- b.do(text) }() // the bubble waits for it
	select {
	case began = <-b.first:
	case <-time.After(time.Minute):
		b.Fatalf("%s: no edge, answer %+v", text, <-answer)
	}
	return began, answer
}

// forget drops the edges so far.
func (b *bed) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.edges = nil
	select {
	case <-b.first:
	default:
	}
}

// relay holds the edges since forget against what they should be.
func (b *bed) relay(what string, want ...bool) (edges []edge) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []bool
	for _, e := range b.edges {
		got = append(got, e.active)
	}
	if !slices.Equal(got, want) {
		b.Errorf("%s: the relay went %t, want %t", what, got, want)
	}
	return b.edges
}

// is holds the relay against where it should be.
func (b *bed) is(what string, active bool) {
	b.Helper()
	if got := b.sim.Active(b.spec.Channels); got != active {
		b.Errorf("%s: the relay is active %t, want %t", what, got, active)
	}
}
