package boardsim

import "time"

// eletechsup is the command words of Eletechsup and 485io (hardware.md 1.9), at
// register 1 for channel 1. What is written is not what is read. While a delay
// runs it takes every other command and does nothing.
type eletechsup struct{}

// What is written to a channel, in the high byte; 07 and 08 are for register 0.
const (
	eletechsupOn        = 0x01
	eletechsupOff       = 0x02
	eletechsupToggle    = 0x03
	eletechsupInterlock = 0x04
	eletechsupMomentary = 0x05
	eletechsupDelay     = 0x06
	eletechsupAllOn     = 0x07
	eletechsupAllOff    = 0x08
)

func (eletechsup) coils(*Board, int, int) ([]bool, byte) { return nil, illegalFunction }

// registers are 1 for on and 0 for off; eight at most at a time.
func (eletechsup) registers(b *Board, first, count int) ([]uint16, byte) {
	if first < 1 || count < 1 || count > 8 || first+count-1 > len(b.active) {
		return nil, illegalAddress
	}
	values, status := make([]uint16, count), b.status()
	for i := range values {
		if status[first-1+i] {
			values[i] = 1
		}
	}
	return values, 0
}

func (e eletechsup) write(b *Board, function byte, address int, value uint16) byte {
	command, seconds := value>>8, value&0xFF
	all := address == 0 && (command == eletechsupAllOn || command == eletechsupAllOff)
	one := address > 0 && command >= eletechsupOn && command <= eletechsupDelay
	switch {
	case function != 0x06 && function != 0x10:
		return illegalFunction
	case address > len(b.active):
		return illegalAddress
	case !all && !one || seconds != 0 && command != eletechsupDelay:
		return illegalValue
	case one:
		e.command(b, address, command, time.Duration(seconds)*time.Second)
	default:
		for i := range b.active {
			e.set(b, i+1, command == eletechsupAllOn)
		}
	}
	return 0
}

func (e eletechsup) command(b *Board, channel int, command uint16, width time.Duration) {
	switch command {
	case eletechsupOn, eletechsupOff:
		e.set(b, channel, command == eletechsupOn)
	case eletechsupToggle:
		e.set(b, channel, !b.active[channel-1])
	case eletechsupInterlock:
		for i := range b.active {
			e.set(b, i+1, i+1 == channel)
		}
	case eletechsupMomentary:
		e.timed(b, channel, time.Second)
	default: // a delay
		if width > 0 {
			e.timed(b, channel, width)
			return
		}
		b.stop(channel)
		b.move(channel, false)
	}
}

// set and timed do nothing while a delay runs; whether another delay does, nobody
// says.
func (eletechsup) set(b *Board, channel int, active bool) {
	if b.timers[channel-1] == nil {
		b.set(channel, active)
	}
}

func (eletechsup) timed(b *Board, channel int, width time.Duration) {
	if b.timers[channel-1] == nil {
		b.timed(channel, true, width)
	}
}
