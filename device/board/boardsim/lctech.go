package boardsim

import "time"

// lctech is LC Technology's Modbus relay (hardware.md 1.9): coils from 0, and for
// each channel a mode and a time, which starts it.
type lctech struct{ modes []uint16 }

func newLCTech(channels int) *lctech { return &lctech{make([]uint16, channels)} }

// coils are eight on each board; those without a relay are off.
func (*lctech) coils(b *Board, first, count int) ([]bool, byte) {
	if count < 1 || first+count > 8 {
		return nil, illegalAddress
	}
	return append(make([]bool, 0, 16), append(b.status(), make([]bool, 8)...)...)[first : first+count], 0
}

// registers: its address.
func (*lctech) registers(b *Board, first, count int) ([]uint16, byte) {
	if first != 0 || count != 1 {
		return nil, illegalAddress
	}
	return []uint16{uint16(b.unit)}, 0
}

func (l *lctech) write(b *Board, function byte, address int, value uint16) byte {
	switch {
	case function == 0x05:
		return l.coil(b, address, value)
	case function != 0x10:
		return illegalFunction
	}
	channel, word := (address-3)/5, (address-3)%5
	switch {
	case address < 3 || channel >= len(l.modes) || word > 1:
		return illegalAddress
	case word == 0 && value != 4 && value != 2:
		return illegalValue
	case word == 0:
		l.modes[channel] = value
	case l.modes[channel] == 0:
		return illegalValue
	default:
		b.timed(channel+1, l.modes[channel] == 4, time.Duration(value)*100*time.Millisecond)
	}
	return 0
}

// coil drives a relay; the eight that function 0F always writes may be more than
// there are.
func (l *lctech) coil(b *Board, address int, value uint16) byte {
	switch {
	case address >= 8:
		return illegalAddress
	case value != 0 && value != 0xFF00:
		return illegalValue
	}
	b.set(address+1, value != 0)
	return 0
}
