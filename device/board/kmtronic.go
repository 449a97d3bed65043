package board

import (
	"bytes"
	"errors"
	"time"
)

// kmtronic is KMTronic's USB and RS232 relays (hardware.md 1.2). They say
// nothing to a command. Those of one and two channels are asked for each; those
// of four and eight for all, and answer a byte a channel without a frame. How
// soon they take the next command, or tell of it, nobody says: the gap is a
// caution.
var kmtronic = Family{
	Name: "kmtronic", Boards: "KMTronic USB and RS232 relays of 1, 2, 4 and 8 channels", Sizes: []int{1, 2, 4, 8}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 50 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &kmtronicTalk{s.Channels} },
}

const (
	kmtronicStart = 0xFF
	kmtronicAsk   = 0x03                   // in the place of on and off; of one and two channels
	kmtronicLimit = 200 * time.Millisecond // the longest answer is 9 ms on the line
	kmtronicQuiet = 30 * time.Millisecond  // then all of it is here: adapters hold bytes back for 16 ms
)

type kmtronicTalk struct{ channels int }

// greet ends a frame that an earlier program may have left half. A board that
// got FF, or FF and a channel, takes what comes next for the rest, and the
// first command would be lost or be another one. Two bytes 03 make of the first
// "what is relay 3", of the second "what is this relay", and are nothing to a
// board that waits for FF; however they fall, they are no 00 or 01. The larger
// boards have no 03 in their list: that they pass over it, and over what is
// outside of a frame, is a guess. The question behind it shows that the board
// listens; until it is answered nothing else is said.
func (k *kmtronicTalk) greet(t *talk) error {
	return t.again(func() error {
		if err := t.send([]byte{kmtronicAsk, kmtronicAsk}); err != nil {
			return err
		}
		_, err := k.ask(t, 1)
		return err
	})
}

func (k *kmtronicTalk) set(t *talk, channel int, active bool) (string, error) {
	op := byte(0x00)
	if active {
		op = 0x01
	}
	return Sent, t.send([]byte{kmtronicStart, byte(channel), op})
}

func (k *kmtronicTalk) states(t *talk) ([]level, error) {
	var on []bool
	for len(on) < k.channels {
		if err := t.again(func() error {
			told, err := k.ask(t, len(on)+1)
			on = append(on, told...)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return levelsOf(on), nil
}

// ask asks once: a small board for one channel, a larger one for all. FF 09 00
// would be "relay 9 off" to a small one.
func (k *kmtronicTalk) ask(t *talk, channel int) (on []bool, err error) {
	if k.channels <= 2 {
		if err := t.send([]byte{kmtronicStart, byte(channel), kmtronicAsk}); err != nil {
			return nil, err
		}
		_, err = t.until(kmtronicLimit, func(got []byte) bool {
			on = kmtronicState(got, channel)
			return on != nil
		})
		return on, err
	}
	if err := t.send([]byte{kmtronicStart, 0x09, 0x00}); err != nil {
		return nil, err
	}
	got, err := t.read(k.channels, kmtronicLimit)
	if err != nil {
		return nil, err
	}
	more, err := t.read(1, kmtronicQuiet) // the end of it is the only frame
	if len(more) == 0 && !errors.Is(err, errSilent) {
		return nil, err
	}
	got = append(got, more...)
	if on = kmtronicStates(got, k.channels); on == nil {
		return nil, unclear(got)
	}
	return on, nil
}

// kmtronicState finds FF channel 00 or 01, the answer of a small board, in what
// came in; nil: it is not there. The question itself is none. The last counts.
func kmtronicState(got []byte, channel int) []bool {
	off := bytes.LastIndex(got, []byte{kmtronicStart, byte(channel), 0x00})
	on := bytes.LastIndex(got, []byte{kmtronicStart, byte(channel), 0x01})
	if off < 0 && on < 0 {
		return nil
	}
	return []bool{on > off}
}

// kmtronicStates reads the answer of a larger board, 00 or 01 for each channel;
// nil: it is none.
func kmtronicStates(got []byte, channels int) (on []bool) {
	for _, b := range got {
		if b > 1 || len(got) != channels {
			return nil
		}
		on = append(on, b == 1)
	}
	return on
}
