package board

import (
	"bytes"
	"fmt"
	"time"
)

// devantech is Devantech's USB-RLY modules (hardware.md 1.6). Each byte is a
// command of its own, without frame, sum or ack, so only the bytes that move
// one relay are sent, and questions: never all on (64), all off (6E) or a mask
// (5C). The gap is a caution, no lost commands are known.
var devantech = Family{
	Name: "devantech", Boards: "Devantech USB-RLY02, RLY08, RLY16 and the latching RLY16L", Sizes: []int{2, 8}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 10 * time.Millisecond, Settle: 50 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &devantechTalk{channels: s.Channels} },
}

const (
	devantechVersion = 0x5A // answered with the module and its firmware
	devantechStates  = 0x5B // answered with a byte, relay 1 in bit 0
	devantechOn      = 0x64 // and the channel
	devantechOff     = 0x6E
	devantechIdle    = 0x00 // no command
	devantechLimit   = 200 * time.Millisecond
)

type devantechTalk struct {
	channels         int
	module, firmware byte
}

// greet asks for the version, which tells the model. An earlier program may
// have ended between 5C, "set all relays", and its mask. Then the next byte is
// the mask, whichever it is, and nobody can know before: 5A would drive relays
// 2, 4, 5 and 7. So the first byte is 00, which drives none. What remains: in
// that one case it releases the relays that were driven. Leaving it out would
// only leave that to the first command, as another mask. To a board that waits
// for no mask 00 is nothing: the data sheets list no such command; that others
// than those are passed over is a guess.
func (d *devantechTalk) greet(t *talk) error {
	return t.again(func() error {
		if err := t.send([]byte{devantechIdle}); err != nil {
			return err
		}
		got, err := d.ask(t, devantechVersion, devantechVersion)
		if err != nil {
			return err
		}
		if !bytes.Equal(got[:2], got[2:]) {
			return unclear(got)
		}
		d.module, d.firmware = got[0], got[1]
		switch relays := devantechRelays(d.module); relays {
		case d.channels:
			return nil
		case 0:
			return fmt.Errorf("it says that it is module %d, want 8 (RLY08), 9 (RLY16), 10 (RLY02) or 15 (RLY16L)", d.module)
		default:
			return refusal(fmt.Sprintf("it says that it is module %d, which has %d relays, want %d", d.module, relays, d.channels))
		}
	})
}

// devantechRelays is how many relays a module has; 0: it is none of these.
func devantechRelays(module byte) int {
	switch module {
	case 8, 9, 15:
		return 8
	case 10:
		return 2
	}
	return 0
}

func (d *devantechTalk) set(t *talk, channel int, active bool) (string, error) {
	first := devantechOff
	if active {
		first = devantechOn
	}
	return Sent, t.send([]byte{byte(first + channel)})
}

// states asks twice, and for the version between: of eight relays any byte is
// an answer, also one that is late or not from the board.
func (d *devantechTalk) states(t *talk) (levels []level, err error) {
	err = t.again(func() error {
		got, err := d.ask(t, devantechStates, devantechVersion, devantechStates)
		if err != nil {
			return err
		}
		on := d.read(got)
		if on == nil {
			return unclear(got)
		}
		levels = levelsOf(on)
		return nil
	})
	return levels, err
}

// ask asks one question after the other and gives all answers.
func (d *devantechTalk) ask(t *talk, questions ...byte) (got []byte, err error) {
	for _, q := range questions {
		n := 1
		if q == devantechVersion {
			n = 2
		}
		if err := t.send([]byte{q}); err != nil {
			return nil, err
		}
		answer, err := t.read(n, devantechLimit)
		if err != nil {
			return nil, err
		}
		got = append(got, answer...)
	}
	return got, nil
}

// read reads states, module, firmware, states; nil: they are not this board's.
func (d *devantechTalk) read(got []byte) []bool {
	if len(got) != 4 || got[0] != got[3] || got[1] != d.module || got[2] != d.firmware {
		return nil
	}
	on := make([]bool, d.channels)
	for i := range on {
		on[i] = got[0]>>i&1 == 1
	}
	return on
}
