package board

import (
	"errors"
	"fmt"
	"time"
)

// modbusGeneric is any Modbus RTU board that a map in the config describes
// (hardware.md 1.9: "in config, not hard-coded").
var modbusGeneric = Family{
	Name: "modbus-generic", Boards: "any Modbus RTU relay board, spoken to as its [board.map] says", Proof: Readback,
	Baud: 9600, Parity: "none", Unit: 1, Bus: true, Map: true, Settle: 100 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect {
		return &mapped{modbus{byte(s.Unit), 500 * time.Millisecond}, s.Map, s.Channels}
	},
}

// check says what of a map nothing can be spoken by.
func (m Map) check(channels int) error {
	switch {
	case m.Function != writeCoil && m.Function != writeRegister:
		return fmt.Errorf("map function %d: want 5 or 6", m.Function)
	case m.Read != 0 && m.Read != readCoils && m.Read != readRegisters:
		return fmt.Errorf("map read %d: want 1 or 3, or none", m.Read)
	case m.On == m.Off:
		return fmt.Errorf("map on and off are both %d: want two values", m.On)
	case int(m.Base)+channels-1 > 0xFFFF:
		return fmt.Errorf("map base %d: want the address of channel %d to be at most 65535", m.Base, channels)
	}
	return nil
}

// mapped speaks as a map says. Families whose boards differ only in values are
// one too.
type mapped struct {
	modbus
	as       Map
	channels int
}

// greet asks for the states. Of a board that does not tell them it asks them
// too, once: whatever the answer is, it shows whether the adapter loops back.
func (m *mapped) greet(t *talk) error {
	if m.as.Read != 0 {
		_, err := m.states(t)
		return unlessNo(err)
	}
	tries := t.tries
	t.tries = 1
	if m.as.Function == writeCoil {
		_, _ = m.coils(t, m.as.Base, m.channels) // silence and a no are answers too
	} else {
		_, _ = m.registers(t, m.as.Base, 1) // likewise
	}
	t.tries = tries
	return nil
}

func (m *mapped) set(t *talk, channel int, active bool) (string, error) {
	value := m.as.Off
	if active {
		value = m.as.On
	}
	return m.send(t, channel, value)
}

// send writes a value to a channel.
func (m *mapped) send(t *talk, channel int, value uint16) (string, error) {
	return m.write(t, m.as.Function, m.as.Base+uint16(channel-1), value)
}

func (m *mapped) states(t *talk) (levels []level, err error) {
	switch m.as.Read {
	case readCoils:
		on, err := m.coils(t, m.as.Base, m.channels)
		for i := range on {
			on[i] = on[i] != (m.as.On == 0) // a relay that 0 drives
		}
		return levelsOf(on), err
	case readRegisters:
		return m.fromRegisters(t)
	}
	return nil, nil
}

// fromRegisters asks for eight at a time: some boards answer no more.
func (m *mapped) fromRegisters(t *talk) (levels []level, err error) {
	for len(levels) < m.channels {
		values, err := m.registers(t, m.as.Base+uint16(len(levels)), min(8, m.channels-len(levels)))
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			levels = append(levels, m.as.level(v))
		}
	}
	return levels, nil
}

// level is what a register shows: the value that was written, or 1 and 0 where
// neither is ever written, as Eletechsup's boards do it. Anything else says
// nothing.
func (m Map) level(value uint16) level {
	switch {
	case value == m.On:
		return level{active: true, known: true}
	case value == m.Off:
		return level{known: true}
	case value > 1 || m.On <= 1 || m.Off <= 1:
		return level{}
	}
	return level{active: value == 1, known: true}
}

// unlessNo is the error of a question where a no is an answer too: the board is
// there, but does not tell.
func unlessNo(err error) error {
	if _, no := errors.AsType[refusal](err); no {
		return nil
	}
	return err
}
