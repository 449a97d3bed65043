package boardsim

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Quirks are how a board differs from one that always works. Counts are of
// what is to come and go down by themselves.
type Quirks struct {
	TooFast    time.Duration // commands that come sooner after the one before are lost
	Stale      bool          // the first status after a change is that of before
	Silent     bool          // a clone that obeys and never tells its state
	Dead       bool          // it neither obeys nor answers
	NoEcho     bool          // its command line does not send back the characters
	Loop       bool          // the adapter on the wire sends back what it is sent
	V1         bool          // it speaks an older protocol
	Version    uint16        // that it tells; 0 = a usual one
	Stubborn   bool          // a command does not end a timer that runs
	Modes      []uint16      // of the channels, where a board has inputs; nil = it has none
	PowerUp    []bool        // the levels after power-up; nil = all released
	Latching   bool          // without power its relays stay where they are
	Delay      time.Duration // before it answers
	Pauses     time.Duration // between the bytes of an answer
	Lag        time.Duration // after a command, in which the status is that of before
	LateTimers time.Duration // added to each width
	Lost       int           // so many commands never reach it
	Noise      int           // so many answers are garbage
	BadSum     int           // so many answers end with a wrong byte
}

// model is a family's bytes. Its methods run with the Board's mutex held.
type model interface {
	// eat obeys and answers the whole frames in front and returns the rest.
	eat(b *Board, in []byte) (rest []byte)
}

// powered is a model with a memory that power-up clears.
type powered interface{ powerUp(b *Board) }

// telling is a model that speaks unasked when somebody moves a relay.
type telling interface{ moved(b *Board, channel int) }

// models are the families, by driver name.
var models = map[string]func(channels int) model{
	"lcus":          func(int) model { return lcus{} },
	"lcus-feedback": func(int) model { return lcusFeedback{} },
	"kmtronic":      func(int) model { return &kmtronic{} },
	"numato":        func(int) model { return &numato{} },
	"denkovi16":     func(int) model { return denkovi{} },
	"devantech":     func(n int) model { return newDevantech(n) },
	"conrad":        func(n int) model { return newConrad(n) },
	"k8090":         func(int) model { return &k8090{} },
	"waveshare":     func(int) model { return &modbusUnit{addresses: waveshare{}} },
	"lctech":        func(n int) model { return &modbusUnit{addresses: newLCTech(n)} },
	"eletechsup":    func(int) model { return &modbusUnit{addresses: eletechsup{}} },
	"c0135":         func(int) model { return &modbusUnit{addresses: c0135{}} },
	// spoken to with function 5 and FF00, 0, or function 6 and 1, 0, base 0
	"modbus-generic": func(int) model { return &modbusUnit{addresses: generic{}} },
}

// Drivers are the families that there are, in no order.
func Drivers() (names []string) {
	for name := range models {
		names = append(names, name)
	}
	return names
}

// Board is one simulated board. Safe for concurrent use.
type Board struct {
	unit byte

	mu      sync.Mutex
	model   model
	q       Quirks
	active  []bool
	before  []bool // what a Stale one tells once; nil = the truth
	lagging []bool // what one with a Lag tells until
	lags    time.Time
	timers  []*time.Timer
	in      []byte
	heardAt time.Time // the last byte
	toldAt  time.Time // the last command
	out     [][]byte  // said, and not given to the lines yet
	lines   map[*line]struct{}
	changed func(channel int, active bool)
}

// New makes a board of a family. unit is its address, where the family has one.
// It is powered and its relays are as after power-up.
func New(driver string, channels, unit int, q Quirks) (*Board, error) {
	m, ok := models[driver]
	switch {
	case !ok:
		return nil, fmt.Errorf("simulated board %q: no such family", driver)
	case channels < 1 || channels > 64:
		return nil, fmt.Errorf("simulated board: channels %d: want 1 to 64", channels)
	}
	b := &Board{unit: byte(unit), model: m(channels), q: q, active: make([]bool, channels), timers: make([]*time.Timer, channels), lines: map[*line]struct{}{}}
	copy(b.active, q.PowerUp)
	return b, nil
}

// Watch has f told each change of a relay, channels counting from 1. f must not
// call the Board. Call it before the Board is used.
func (b *Board) Watch(f func(channel int, active bool)) { b.changed = f }

// Active is the relay's position; channels count from 1.
func (b *Board) Active(channel int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return channel >= 1 && channel <= len(b.active) && b.active[channel-1]
}

// Quirk changes the quirks.
func (b *Board) Quirk(f func(q *Quirks)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.q)
}

// PowerCycle takes the power away and gives it back.
func (b *Board) PowerCycle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in, b.before = nil, nil
	for i := range b.active {
		b.stop(i + 1)
		if !b.q.Latching {
			b.set(i+1, i < len(b.q.PowerUp) && b.q.PowerUp[i])
		}
	}
	b.before = nil
	if p, ok := b.model.(powered); ok {
		p.powerUp(b)
	}
}

// Move moves a relay as a person at the board would.
func (b *Board) Move(channel int, active bool) {
	b.mu.Lock()
	b.set(channel, active)
	if t, ok := b.model.(telling); ok && !b.q.Dead {
		t.moved(b, channel)
	}
	b.say()
}

// frameRest is how long the rest of a frame may take; then it is forgotten.
const frameRest = 200 * time.Millisecond

// take is given bytes by a line.
func (b *Board) take(p []byte) {
	b.mu.Lock()
	now := time.Now()
	if now.Sub(b.heardAt) > frameRest {
		b.in = nil
	}
	b.heardAt = now
	if !b.q.Dead {
		b.in = slices.Clone(b.model.eat(b, append(b.in, p...)))
	}
	b.say()
}

// say gives to the lines what was said, and unlocks the mutex before: a line
// may take its time.
func (b *Board) say() {
	out, lines, delay, pause := b.out, slices.Collect(maps.Keys(b.lines)), b.q.Delay, b.q.Pauses
	b.out = nil
	b.mu.Unlock()
	give := func() {
		for _, l := range lines {
			for _, p := range out {
				l.give(p)
			}
		}
	}
	if pause > 0 {
		give = func() { halting(lines, slices.Concat(out...), pause) }
	}
	switch {
	case len(out) == 0:
	case delay > 0:
		time.AfterFunc(delay, give)
	default:
		give()
	}
}

// halting gives bytes one at a time.
func halting(lines []*line, p []byte, pause time.Duration) {
	for _, l := range lines {
		l.give(p[:1])
	}
	if len(p) > 1 {
		time.AfterFunc(pause, func() { halting(lines, p[1:], pause) })
	}
}

// obeys says whether a command is done; it is lost when it comes too fast.
func (b *Board) obeys() bool {
	now := time.Now()
	fast := now.Sub(b.toldAt) < b.q.TooFast
	b.toldAt = now
	if b.q.Lost > 0 {
		b.q.Lost--
		return false
	}
	if b.q.Lag > 0 && !fast {
		b.lagging, b.lags = slices.Clone(b.active), now.Add(b.q.Lag)
	}
	return !fast
}

// set moves a relay and, unless the board is stubborn, ends its timer.
func (b *Board) set(channel int, active bool) {
	if channel < 1 || channel > len(b.active) {
		return
	}
	if !b.q.Stubborn {
		b.stop(channel)
	}
	b.move(channel, active)
}

func (b *Board) move(channel int, active bool) {
	if b.active[channel-1] == active {
		return
	}
	if b.q.Stale {
		b.before = slices.Clone(b.active)
	}
	b.active[channel-1] = active
	if b.changed != nil {
		b.changed(channel, active)
	}
}

// timed moves a relay now and back after width.
func (b *Board) timed(channel int, active bool, width time.Duration) {
	if channel < 1 || channel > len(b.active) {
		return
	}
	b.stop(channel)
	b.move(channel, active)
	var t *time.Timer
	t = time.AfterFunc(width+b.q.LateTimers, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.timers[channel-1] == t { // else it was ended
			b.timers[channel-1] = nil
			b.move(channel, !active)
		}
	})
	b.timers[channel-1] = t
}

// stop ends the timer of a channel.
func (b *Board) stop(channel int) {
	if t := b.timers[channel-1]; t != nil {
		t.Stop()
		b.timers[channel-1] = nil
	}
}

// status is what the board says of its relays.
func (b *Board) status() []bool {
	if s := b.before; s != nil {
		b.before = nil
		return s
	}
	if time.Now().Before(b.lags) {
		return b.lagging
	}
	return b.active
}

// reply answers. A board behind several lines answers on all of them.
func (b *Board) reply(p []byte) {
	if len(p) == 0 {
		return
	}
	p = slices.Clone(p)
	switch {
	case b.q.Noise > 0:
		b.q.Noise--
		for i := range p {
			p[i] = byte(0x55 + 37*i + 59*b.q.Noise) // never the same twice
		}
	case b.q.BadSum > 0:
		b.q.BadSum--
		p[len(p)-1] ^= 0x40 >> (b.q.BadSum % 4)
	}
	b.out = append(b.out, p)
}
