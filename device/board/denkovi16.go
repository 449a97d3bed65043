package board

import (
	"bytes"
	"errors"
	"time"
)

// denkovi16 is Denkovi's board of 16 relays with a virtual COM port (hardware.md
// 1.4, known second-hand from two public drivers, which have it from the maker's
// manual): lines of text that end with "//". A command comes back as it is; the
// states are two raw bytes. The maker asks for 5 ms between commands, a driver's
// author saw them garbled up to 20 ms apart: 50 ms are kept.
var denkovi16 = Family{
	Name: "denkovi16", Boards: "Denkovi 16-channel USB relay board, virtual COM port", Sizes: []int{16}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 50 * time.Millisecond, Reopen: true,
	speak: func(Spec) dialect { return &denkoviTalk{} },
}

const (
	denkoviLimit = 300 * time.Millisecond // for an answer; how long one takes is unconfirmed
	denkoviQuiet = 30 * time.Millisecond  // after the states; longer than an FTDI chip holds bytes back
)

type denkoviTalk struct{}

// greet asks for the states. What an earlier program left of a command spoils
// that and no command, and a wire that sends back what it is sent fails here:
// so what comes back of a command later is the board's.
func (d *denkoviTalk) greet(t *talk) error {
	return t.again(func() error {
		_, err := d.ask(t)
		return err
	})
}

func (d *denkoviTalk) set(t *talk, channel int, active bool) (string, error) {
	command := denkoviCommand(channel, active)
	err := t.again(func() error {
		if err := t.send([]byte(command)); err != nil {
			return err
		}
		_, err := t.through(command, denkoviLimit)
		return err
	})
	if err != nil {
		return "", err
	}
	return Acked, nil
}

// states asks twice: nothing in an answer shows that a bit of it is wrong, so
// two in a row must be the same.
func (d *denkoviTalk) states(t *talk) (levels []level, err error) {
	err = t.again(func() error {
		first, err := d.ask(t)
		if err != nil {
			return err
		}
		second, err := d.ask(t)
		if err == nil && !bytes.Equal(first, second) {
			err = unclear(append(first, second...))
		}
		if err == nil {
			levels = levelsOf(denkoviStates(second))
		}
		return err
	})
	return levels, err
}

// ask gives the two bytes of the states, told by their number: each may be a '/'.
// What says more than two did not answer this question.
func (d *denkoviTalk) ask(t *talk) ([]byte, error) {
	if err := t.send([]byte("ask//")); err != nil {
		return nil, err
	}
	got, err := t.read(2, denkoviLimit)
	if err != nil {
		return nil, err
	}
	more, err := t.read(1, denkoviQuiet)
	switch {
	case errors.Is(err, errSilent):
		return got, nil
	case err == nil || t.silent(err):
		return nil, unclear(append(got, more...))
	}
	return nil, err
}

// denkoviCommand is the channel's number in two digits, + or -, //.
func denkoviCommand(channel int, active bool) string {
	sign := byte('-')
	if active {
		sign = '+'
	}
	return string([]byte{'0' + byte(channel/10), '0' + byte(channel%10), sign, '/', '/'})
}

// denkoviStates: relay 1 is the highest bit of the first byte.
func denkoviStates(got []byte) []bool {
	active := make([]bool, 8*len(got))
	for i := range active {
		active[i] = got[i/8]<<(i%8)&0x80 != 0
	}
	return active
}
