package boardsim

import (
	"cmp"
	"time"
)

// waveshare is Waveshare's Modbus RTU relay (hardware.md 1.9).
type waveshare struct{}

func (waveshare) coils(b *Board, first, count int) ([]bool, byte) {
	if count < 1 || first+count > len(b.active) {
		return nil, illegalAddress
	}
	return b.status()[first : first+count], 0
}

func (waveshare) registers(b *Board, first, count int) ([]uint16, byte) {
	switch {
	case first == 0x8000 && count == 1:
		return []uint16{cmp.Or(b.q.Version, 200)}, 0
	case first == 0x4000 && count == 1:
		return []uint16{uint16(b.unit)}, 0
	case first == 0x1000 && b.q.Modes != nil && count == len(b.q.Modes):
		return b.q.Modes, 0
	}
	return nil, illegalAddress
}

func (waveshare) write(b *Board, function byte, address int, value uint16) byte {
	channel := address&0xFF + 1
	switch {
	case function != 0x05:
		return illegalFunction
	case address == 0x00FF && (value == 0 || value == 0xFF00):
		for i := range b.active {
			b.set(i+1, value != 0)
		}
	case channel > len(b.active):
		return illegalAddress
	case address < 0x0100 && (value == 0 || value == 0xFF00):
		b.set(channel, value != 0)
	case address < 0x0100 && value == 0x5500:
		b.set(channel, !b.active[channel-1])
	case address>>8 == 0x02 && value <= 0x7FFF:
		b.timed(channel, true, time.Duration(value)*100*time.Millisecond)
	case address>>8 == 0x04 && value <= 0x7FFF:
		b.timed(channel, false, time.Duration(value)*100*time.Millisecond)
	default:
		return illegalValue
	}
	return 0
}

// old is the answer of a board from before September 2021; how exactly it looks
// nobody wrote down, but it is no Modbus.
func (waveshare) old(_ *Board, request []byte) []byte {
	return append([]byte{0xA5, 0x01}, request[1:4]...)
}
