package board

import (
	"errors"
	"time"
)

// c0135 is the boards of four relays around an STM8S103 that are sold as C0135
// or Relay Board-4 (hardware.md 1.9): their coils are 1 to 4, and on is 0x0100.
// The frames are from a seller's sheet that others quote. How the states are
// answered nobody shows: as Modbus has it, we take it.
var c0135 = Family{
	Name: "c0135", Boards: "STM8 boards of four relays sold as C0135 or Relay Board-4", Sizes: []int{4}, Proof: Readback,
	Baud: 9600, Parity: "none", Unit: 1, Bus: true, Settle: 100 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect {
		as := Map{Function: writeCoil, Base: 1, On: 0x0100, Read: readCoils}
		return &c0135s{mapped{modbus{byte(s.Unit), time.Second}, as, s.Channels}, false}
	},
}

const (
	c0135Noise = 100 * time.Millisecond // an answer that nobody understands is over by then
	c0135Again = 300 * time.Millisecond // for one that may make sense after all
)

// c0135s knows that some of these boards do what they are told and answer so
// badly timed that it is garbage (one tester's word). Such a board is told, and
// not listened to; whether it makes sense by now each question shows.
type c0135s struct {
	mapped
	babbles bool
}

func (c *c0135s) greet(t *talk) error {
	_, err := c.mapped.states(t)
	if c.babbles = garbled(t, err); c.babbles {
		return nil
	}
	return unlessNo(err)
}

func (c *c0135s) set(t *talk, channel int, active bool) (string, error) {
	if !c.babbles {
		return c.mapped.set(t, channel, active)
	}
	value := c.as.Off
	if active {
		value = c.as.On
	}
	if err := t.send(modbusFrame(c.unit, pdu(c.as.Function, c.as.Base+uint16(channel-1), value))); err != nil {
		return "", err
	}
	_, _ = t.until(c0135Noise, func([]byte) bool { return false }) // the next frame must not meet it
	return Sent, t.broken
}

func (c *c0135s) states(t *talk) ([]level, error) {
	if !c.babbles {
		return c.mapped.states(t)
	}
	m, tries := c.mapped, t.tries
	m.limit, t.tries = c0135Again, 1
	levels, err := m.states(t)
	t.tries = tries
	if c.babbles = garbled(t, err); c.babbles {
		return nil, nil
	}
	return levels, err
}

// garbled says that the board answered and nobody understood it.
func garbled(t *talk, err error) bool { return t.silent(err) && !errors.Is(err, errSilent) }
