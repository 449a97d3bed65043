package trials

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longarm/lab/field"
	"longarm/lab/guest"
)

const piConfig = `
[push]
url = "https://10.0.2.2:1"
container = "7602c7e0-0000-4000-8000-000000000001"
key_file = "/etc/longarm/key"
[state]
dir = "/tmp/state"
[[output]]
name = "router"
chip = "pinctrl-bcm2835"
line = "GPIO17"
[[output]]
name = "lamp"
chip = "pinctrl-bcm2835"
line = "GPIO27"
active_low = true
`

const routerPin, lampPin = 17, 27

// TestPiPinSeenFromOutside drives the pins of a Raspberry Pi 3 by the driver that such a
// box has. Levels and directions are read at the controller, from outside the machine; the
// order in which they were set is the kernel's record.
func TestPiPinSeenFromOutside(t *testing.T) {
	p := bootPi(t, "")
	p.is("after boot", routerPin, false, false)
	p.record()

	out := p.agent(0, "check")
	words := strings.Fields(out) // its cells are wrapped
	for _, want := range []string{"router", "pinctrl-bcm2835", "17", "GPIO17", "lamp", "27", "GPIO27,", "input,", "inactive,", "(safe)"} {
		if !slices.Contains(words, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	p.is("after check", routerPin, false, false)
	if got := p.recorded(); len(got) != 0 {
		t.Errorf("check moved lines: %v", got)
	}

	// Untouched pins: each gets its safe level before it becomes an output, and no other.
	p.pulse()
	got := p.recorded()
	if want := []string{"set 0", "out", "set 1", "set 0"}; !slices.Equal(texts(got, routerPin), want) {
		t.Errorf("the router's pin did %v, want %v", texts(got, routerPin), want)
	}
	if want := []string{"set 1", "out"}; !slices.Equal(texts(got, lampPin), want) {
		t.Errorf("the lamp's pin, which is active low, did %v, want %v", texts(got, lampPin), want)
	}
	p.width(got)

	// This driver makes a released pin an input. The kernel's word on it is stale until
	// somebody asks for the line, and an input that reads active must not be kept.
	p.agent(0, "do", "router on")
	p.is("after router on, released", routerPin, true, false)
	p.record()
	if out := p.agent(0, "do", "router read"); !strings.Contains(out, `"active":false`) {
		t.Errorf("a released pin that reads active was taken for driven: %s", out)
	}
	p.is("after the next start", routerPin, false, false)
	if want := []string{"set 0", "out"}; !slices.Equal(texts(p.recorded(), routerPin), want) {
		t.Errorf("the next start did %v, want %v", texts(p.recorded(), routerPin), want)
	}
}

// TestPiKeepsDrivenPin: where the driver leaves a released pin as it is, an agent without
// any store adopts it, and the pin does not move.
func TestPiKeepsDrivenPin(t *testing.T) {
	p := bootPi(t, "pinctrl_bcm2835.persist_gpio_outputs=1")
	for _, w := range []struct {
		pin  int
		name string
		high bool // when the load is on
	}{{routerPin, "router", true}, {lampPin, "lamp", false}} {
		p.agent(0, "do", w.name+" on")
		p.is(w.name+" on", w.pin, w.high, true)
		p.record()
		if out := p.agent(0, "do", w.name+" read"); !strings.Contains(out, `"active":true`) {
			t.Errorf("%s read, by the next agent: %s, want it active", w.name, out)
		}
		for _, did := range texts(p.recorded(), w.pin) {
			if strings.HasPrefix(did, "set") && did != fmt.Sprint("set ", map[bool]int{false: 0, true: 1}[w.high]) {
				t.Errorf("the next agent did %s on the pin of %s", did, w.name)
			}
		}
		p.is(w.name+" adopted", w.pin, w.high, true)
		p.agent(0, "do", w.name+" off")
		p.is(w.name+" off", w.pin, !w.high, true)
	}
}

// piBox is a Pi with the agent in it.
type piBox struct {
	field.Pi
	t *testing.T
}

func bootPi(t *testing.T, kernel string) piBox {
	field.Need(t)
	g := field.Start(t, guest.Options{Machine: "raspi3b", NoNet: true, Append: kernel, Files: []guest.File{
		{Path: field.Binary, Src: field.Agent(t, "arm64")},
		{Path: field.ConfigFile, Data: []byte(piConfig)},
		{Path: field.KeyFile, Data: []byte("no-secret\n"), Mode: 0o600},
	}})
	return piBox{field.Pi{Guest: g}, t}
}

func (p piBox) agent(want int, verb string, words ...string) string {
	p.t.Helper()
	out, code, err := p.Run(append([]string{field.Binary, verb, "-config", field.ConfigFile}, words...)...)
	if err != nil || code != want {
		p.t.Fatalf("%s %v: exit code %d, %v; want %d\n%s", verb, words, code, err, want, out)
	}
	return out
}

// is wants a level at a pin, and that the controller drives it or does not.
func (p piBox) is(when string, pin int, high, output bool) {
	p.t.Helper()
	gotHigh, err := p.High(pin)
	if err != nil {
		p.t.Fatal(err)
	}
	gotOutput, err := p.Output(pin)
	if err != nil {
		p.t.Fatal(err)
	}
	if gotHigh != high || gotOutput != output {
		p.t.Errorf("%s: pin %d is high %v, output %v; want %v, %v", when, pin, gotHigh, gotOutput, high, output)
	}
}

// pulse runs a pulse and wants it to be seen from outside while it lasts.
func (p piBox) pulse() {
	p.t.Helper()
	var said field.Logged
	proc, err := p.Spawn(&said, &said, nil, field.Binary, "do", "-config", field.ConfigFile, "router pulse 500ms")
	if err != nil {
		p.t.Fatal(err)
	}
	driven := func(level bool) func() bool {
		return func() bool {
			high, err := p.High(routerPin)
			output, err2 := p.Output(routerPin)
			return err == nil && err2 == nil && high == level && output
		}
	}
	field.Until(p.t, "the pin is high from outside", 30*time.Second, driven(true))
	code, err := proc.Wait()
	if err != nil || code != 0 || !strings.Contains(said.String(), `"state":"done"`) || !strings.Contains(said.String(), `"proof":"readback"`) {
		p.t.Errorf("router pulse: exit code %d, %v; want 0, done and read back:\n%s", code, err, said.String())
	}
	p.is("after the pulse", routerPin, false, false)
}

func (p piBox) width(did []piEvent) {
	p.t.Helper()
	var at []time.Duration
	for _, e := range did {
		if e.pin == routerPin && strings.HasPrefix(e.text, "set") {
			at = append(at, e.at)
		}
	}
	if len(at) != 3 {
		return // told above
	}
	width := at[2] - at[1]
	field.Figure(p.t, fmt.Sprintf("pulse 500ms took %.1f ms at the pin", width.Seconds()*1000))
	if width < 500*time.Millisecond || width > 1500*time.Millisecond {
		p.t.Errorf("the pulse took %v at the pin, want 500ms", width)
	}
}

// record begins the kernel's record of levels and directions anew.
func (p piBox) record() {
	p.t.Helper()
	if err := p.TraceOutputs(); err != nil {
		p.t.Fatal(err)
	}
	field.Sh(p.t, p.Guest, "echo 1 > /sys/kernel/tracing/events/gpio/gpio_direction/enable")
}

// piEvent is one record: "set 1", "out", "in".
type piEvent struct {
	at   time.Duration
	pin  int
	text string
}

// recorded is what was done to the pins, oldest first.
func (p piBox) recorded() (did []piEvent) {
	p.t.Helper()
	text := field.Sh(p.t, p.Guest, "grep -l pinctrl-bcm2835 /sys/class/gpio/gpiochip*/label | sed s/label/base/ | while read f; do cat $f; done; cat /sys/kernel/tracing/trace")
	var base int
	if _, err := fmt.Sscan(text, &base); err != nil {
		p.t.Fatalf("base of the chip: %v\n%s", err, text)
	}
	for line := range strings.Lines(text) {
		head, event, ok := strings.Cut(line, ": gpio_")
		if !ok {
			continue
		}
		var e piEvent
		var kind, verb string
		if _, err := fmt.Sscan(event, &kind, &e.pin, &verb); err != nil {
			p.t.Fatalf("trace: %q: %v", line, err)
		}
		if verb == "get" {
			continue
		}
		e.pin, e.text = e.pin-base, verb
		if verb == "set" {
			e.text = strings.Join(strings.Fields(event)[2:], " ")
		}
		f := strings.Fields(head)
		if at, err := time.ParseDuration(f[len(f)-1] + "s"); err == nil {
			e.at = at
		}
		did = append(did, e)
	}
	return did
}

func texts(did []piEvent, pin int) (list []string) {
	for _, e := range did {
		if e.pin == pin {
			list = append(list, e.text)
		}
	}
	return list
}
