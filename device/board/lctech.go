package board

import "time"

// lctech is LC Technology's Modbus relays (hardware.md 1.9). What is sent stands
// in the command sheet that sellers give, not in a paper of the maker's own; it
// was not tried on a board.
var lctech = Family{
	Name: "lctech", Boards: "LC Technology (chinalctech) Modbus relays", Sizes: []int{1, 2, 4, 8}, Proof: Readback,
	Baud: 9600, Parity: "none", Unit: 255, Bus: true, Settle: 50 * time.Millisecond, Reopen: true,
	Timer: Timer{Active: true, Inactive: true, Step: lctechStep, Longest: 0xFFFF * lctechStep},
	speak: func(s Spec) dialect {
		m := mapped{modbus{byte(s.Unit), 300 * time.Millisecond}, Map{Function: writeCoil, On: coilOn, Read: readCoils}, lctechCoils}
		return &lctechs{m, s.Channels}
	},
}

// The modes have a name, flash-on or flash-off, that is the other one's in other
// sheets. What they do is the same in all that say it: a relay in mode 4 goes
// on, then off when the time is over, in mode 2 off, then on.
const (
	lctechStep  = 100 * time.Millisecond
	lctechCoils = 8 // that are read, whatever the board's size
	lctechModes = 3 // register of channel 1: mode, then time in steps
	lctechEach  = 5 // registers of a channel
	lctechOnOff = 4
	lctechOffOn = 2
)

type lctechs struct {
	mapped
	relays int
}

func (l *lctechs) states(t *talk) ([]level, error) {
	levels, err := l.mapped.states(t)
	if err != nil {
		return nil, err
	}
	return levels[:l.relays], nil
}

// timed writes mode and time together.
func (l *lctechs) timed(t *talk, channel int, active bool, kept time.Duration) (string, error) {
	mode := uint16(lctechOffOn)
	if active {
		mode = lctechOnOff
	}
	return l.writeAll(t, uint16(lctechModes+lctechEach*(channel-1)), mode, uint16(kept/lctechStep))
}
