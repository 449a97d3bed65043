package board

import "time"

// eletechsup is the relays of Eletechsup and 485io that take a command word for
// each channel (hardware.md 1.9), as their users' drivers and notes have it.
// Boards of 16 are one user's report. The documents of RYN404E and RYN408F
// disagree on whether the register of channel 1 is 1, as here, or 0: see which
// relay clicks. A board that counts from 0 is one for modbus-generic, with base
// 0, on 0x0100, off 0x0200, read 3; it has no timers there. Some are shipped
// with even parity.
var eletechsup = Family{
	Name: "eletechsup", Boards: "Eletechsup and 485io R421A08, R4D8A08, N4D8B08 and others whose channel 1 is register 1",
	Sizes: []int{4, 8, 16}, Proof: Readback,
	Baud: 9600, Parity: "none", Unit: 1, Bus: true, Settle: 100 * time.Millisecond, Reopen: true,
	Timer: Timer{Active: true, Step: time.Second, Longest: 255 * time.Second},
	speak: func(s Spec) dialect {
		as := Map{Function: writeRegister, Base: 1, On: 0x0100, Off: 0x0200, Read: readRegisters} // it shows 1 and 0
		return &eletechsups{mapped{modbus{byte(s.Unit), 500 * time.Millisecond}, as, s.Channels}, make([]bool, s.Channels)}
	},
}

// eletechsupDelay, with seconds in the low byte: on, then off by itself. While
// it runs the board takes on and off, and does nothing; with 0 seconds it ends
// and the relay is off. This was seen on a RYN408F by the author of its driver;
// of other boards nobody says.
const eletechsupDelay = 0x0600

// eletechsups ends a delay before it switches a relay off.
type eletechsups struct {
	mapped
	left []bool // channels that were on when it was met: an earlier agent's delay may run
}

func (e *eletechsups) greet(t *talk) error {
	levels, err := e.states(t)
	for i := range e.left {
		e.left[i] = i >= len(levels) || levels[i] != level{known: true}
	}
	return unlessNo(err)
}

func (e *eletechsups) set(t *talk, channel int, active bool) (string, error) {
	if err := e.settle(t, channel, !active); err != nil {
		return "", err
	}
	return e.mapped.set(t, channel, active)
}

func (e *eletechsups) timed(t *talk, channel int, _ bool, kept time.Duration) (string, error) {
	if err := e.settle(t, channel, true); err != nil {
		return "", err
	}
	return e.send(t, channel, eletechsupDelay|uint16(kept/time.Second))
}

// settle ends a delay that nobody here started, where the relay may go off for
// it. It is not done for a relay that is to be on: that would be an edge that
// nobody asked for.
func (e *eletechsups) settle(t *talk, channel int, may bool) error {
	if !may || !e.left[channel-1] {
		return nil
	}
	return e.cancel(t, channel)
}

// cancel ends a delay. The relay is off then, for a moment also when it is told to
// be on next. A board that does not know a delay of 0 is told what follows all
// the same: it may be one whose delays a command ends.
func (e *eletechsups) cancel(t *talk, channel int) error {
	_, err := e.send(t, channel, eletechsupDelay)
	if err = unlessNo(err); err == nil {
		e.left[channel-1] = false
	}
	return err
}
