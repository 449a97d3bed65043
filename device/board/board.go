package board

import (
	"fmt"
	"time"
)

// What a (re)connected board's state is taken for (design.md section 3).
const (
	Adopt   = "adopt"   // for what it answers when it is first asked; "" too
	Safe    = "safe"    // for safe, Spec.Safe; nothing is sent
	Unknown = "unknown" // for nothing
)

// Spec is one board as the config has it.
type Spec struct {
	Name      string // in errors, logs and Guard
	Driver    string // the family's name
	Channels  int
	Unit      int    // address on the bus; 0 = the family's own
	AtConnect string // Adopt, Safe or Unknown
	Safe      []bool // the safe level of each channel, for AtConnect Safe
	Map       Map    // of a family that is spoken to as the config says
}

// Map is how the config has a Modbus board of no known family spoken to.
type Map struct {
	Function byte   // that writes: 5 or 6
	Base     uint16 // address of channel 1
	On, Off  uint16 // what is written to drive and to release a relay
	Read     byte   // function that reads back: 1 or 3; 0 = none
}

// Board is one board on a Port. Safe for concurrent use.
type Board struct {
	port     *Port
	family   Family
	spec     Spec
	channels []*Channel

	// Of the port's worker only.
	speaker dialect
	met     bool // greeted on this connection
	away    backoff
	next    time.Time // of the next frame
	setAt   time.Time // when it was last told something
	epoch   int       // connections, and returns from silence, so far
	told    []int     // in which of them each channel was last told
	proofs  []string  // what that proved

	// Under the port's mutex.
	sets, asks []*job
	lost       error // why it cannot be used although the port is there
	now        []level
	timers     []timer
}

func newBoard(p *Port, f Family, s Spec) *Board {
	b := &Board{port: p, family: f, spec: s, now: make([]level, s.Channels), timers: make([]timer, s.Channels),
		told: make([]int, s.Channels), proofs: make([]string, s.Channels)}
	for n := range s.Channels {
		b.channels = append(b.channels, &Channel{board: b, number: n + 1, news: make(chan struct{}, 1)})
	}
	return b
}

// Channel gives a channel, counted from 1; the error names the bound.
func (b *Board) Channel(n int) (*Channel, error) {
	if n < 1 || n > len(b.channels) {
		return nil, fmt.Errorf("board %s: channel %d: want 1 to %d", b.spec.Name, n, len(b.channels))
	}
	return b.channels[n-1], nil
}

// meant takes a fresh connection's board for what the config says. The mutex
// is held.
func (b *Board) meant() {
	b.afresh()
	b.epoch++
	b.lost, b.away = nil, backoff{}
	b.tell(true, b.atConnect())
}

func (b *Board) afresh() { b.speaker, b.met = b.family.speak(b.spec), false }

func (b *Board) atConnect() []level {
	if b.spec.AtConnect != Safe || len(b.spec.Safe) != len(b.now) {
		return nil
	}
	return levelsOf(b.spec.Safe)
}

// tell sets what is thought of the whole board, nil for nothing; turned says
// that it came or went. The mutex is held.
func (b *Board) tell(turned bool, levels []level) {
	for i, old := range b.now {
		b.now[i] = level{}
		if levels != nil {
			b.now[i] = levels[i]
		}
		if turned || b.now[i] != old {
			b.channels[i].signal()
		}
	}
}

// meet greets a board that was not met on this connection, and asks one that
// was silent whether it is back. Until that is done nothing else is sent.
func (b *Board) meet(t *talk) error {
	silent := b.away.pause > 0
	switch {
	case b.met && !silent:
		return nil
	case silent && b.away.waits():
		return b.why()
	case silent && b.family.Reopen:
		b.afresh()
	}
	if silent {
		t.tries = 1
	}
	levels, err := b.hello(t, silent)
	if err != nil {
		b.judge(t, err)
		return err
	}
	b.met = true
	if silent {
		b.back(levels)
	}
	return nil
}

// hello greets, and asks a board that was silent.
func (b *Board) hello(t *talk, ask bool) (levels []level, err error) {
	if g, ok := b.speaker.(greeter); ok && !b.met {
		if err := g.greet(t); err != nil {
			return nil, err
		}
	}
	if !ask {
		return nil, nil
	}
	levels, err = b.speaker.states(t)
	if err != nil && !t.silent(err) && t.broken == nil && !t.halted {
		err = nil // it says no, but it is there
	}
	return levels, err
}

// judge takes the consequences of an error for the port or the board.
func (b *Board) judge(t *talk, err error) {
	switch {
	case t.broken != nil:
		b.port.drop(t.broken)
	case t.silent(err) || !b.met && !t.halted:
		b.lose(err)
	}
}

// lose notes that the board does not answer, while the port is there.
func (b *Board) lose(err error) {
	if b.away.pause == 0 {
		b.port.o.Log.Warn("board cannot be used, asking it until it can", "board", b.spec.Name, "err", err)
	}
	b.away.fail()
	b.port.mu.Lock()
	turned := b.lost == nil
	b.lost = err
	b.tell(turned, nil)
	b.port.mu.Unlock()
	b.abandon(err)
}

// back notes that a silent board answers again. It may have been without power.
func (b *Board) back(levels []level) {
	b.port.o.Log.Info("board is back", "board", b.spec.Name)
	b.away = backoff{}
	b.epoch++
	b.port.mu.Lock()
	b.lost = nil
	b.tell(true, b.atConnect())
	b.port.mu.Unlock()
	b.learn(levels)
}

func (b *Board) why() error {
	b.port.mu.Lock()
	defer b.port.mu.Unlock()
	if b.port.gone != nil {
		return b.port.gone
	}
	return b.lost
}
