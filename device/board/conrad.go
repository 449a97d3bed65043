package board

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// conrad is Conrad's relay card 197720 and chains of them (hardware.md 1.8, from
// the maker's manual). All cards of a chain are one board: channels 1 to 8 are
// the relays of the first card behind the port, 9 to 16 those of the second. The
// config gives no addresses: SETUP makes the cards 1, 2, 3… once per connection.
//
// A card is told all its relays at once, so one is moved by asking, changing its
// bit and telling; nobody else is on the line in between. The commands for one
// relay (6, 7) are not used: what their data means is unconfirmed.
var conrad = Family{
	Name: "conrad", Boards: "Conrad 197720 relay card, up to 8 in a chain", Sizes: []int{8, 16, 24, 32, 40, 48, 56, 64},
	Proof: Readback, Baud: 19200, Parity: "none", Gap: 5 * time.Millisecond, Settle: 50 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &conradTalk{cards: s.Channels / conradRelays} },
}

// Commands; the answer has the command inverted.
const (
	conradSetup = 1
	conradGet   = 2
	conradSet   = 3
	conradError = 0xFF // of an answer: the frame came to a card with a wrong sum
)

const (
	conradRelays = 8                     // of a card
	conradQuiet  = 30 * time.Millisecond // for a card to find a byte wrong
)

type conradTalk struct{ cards int }

// greet gives the cards their addresses, which moves nothing, and counts them.
// Whether they know them after they had no power is unconfirmed.
func (c *conradTalk) greet(t *talk) error {
	var cards int
	frame := conradFrame(conradSetup, 1, 0)
	err := t.again(func() error {
		return c.exchange(t, frame, func(got []byte) (whole bool) {
			cards, whole = conradChain(got)
			return whole
		})
	})
	switch {
	case err != nil:
		return fmt.Errorf("give the cards their addresses: %w", err)
	case cards < c.cards:
		return fmt.Errorf("%d cards answer, want %d: one for each %d channels", cards, c.cards, conradRelays)
	}
	return nil
}

// set asks anew each time that it tells, so that it brings nothing back that a
// card without power has lost, and no sooner than a card that was just told can
// be trusted to show it, so that it undoes nothing.
func (c *conradTalk) set(t *talk, channel int, active bool) (string, error) {
	card, bit := byte((channel-1)/conradRelays+1), byte(1)<<((channel-1)%conradRelays)
	if err := t.wait(t.board.setAt.Add(t.board.family.Settle)); err != nil {
		return "", err
	}
	err := t.again(func() error {
		relays, err := c.get(t, card)
		if err != nil {
			return err
		}
		relays &^= bit
		if active {
			relays |= bit
		}
		_, err = c.ask(t, conradSet, card, relays) // the data of its answer means nothing
		return err
	})
	if err != nil {
		return "", err
	}
	return Acked, nil
}

func (c *conradTalk) states(t *talk) ([]level, error) {
	on := make([]bool, 0, c.cards*conradRelays)
	for card := range c.cards {
		var relays byte
		err := t.again(func() (err error) {
			relays, err = c.get(t, byte(card+1))
			return err
		})
		if err != nil {
			return nil, err
		}
		for i := range conradRelays {
			on = append(on, relays>>i&1 == 1)
		}
	}
	return levelsOf(on), nil
}

// get asks a card for its relays, which moves nothing.
func (c *conradTalk) get(t *talk, card byte) (relays byte, err error) {
	frames := t.frames
	relays, err = c.ask(t, conradGet, card, 0)
	t.frames = frames
	return relays, err
}

// ask says one frame to a card and gives the data of its answer.
func (c *conradTalk) ask(t *talk, command, card, data byte) (answer byte, err error) {
	frame := conradFrame(command, card, data)
	var said conradSaid
	err = c.exchange(t, frame, func(got []byte) bool {
		said, answer = conradAnswer(got, frame)
		return said != conradNothing
	})
	switch {
	case err != nil:
		return 0, err
	case said == conradNoCard:
		t.frames-- // it went round and moved nothing
		return 0, errors.New("the frame came back: no card has this address, they may have lost it")
	case said == conradTook:
		return answer, nil
	case said == conradMissed:
		t.frames--
	}
	return 0, conradAlign(t, frame, errors.New("the frame came to a card with an error"))
}

// exchange sends a frame and waits until whole says so of what came.
func (c *conradTalk) exchange(t *talk, frame []byte, whole func(got []byte) bool) error {
	if err := t.send(frame); err != nil {
		return err
	}
	_, err := t.until(150*time.Millisecond+time.Duration(c.cards)*20*time.Millisecond, whole)
	if t.silent(err) {
		err = conradAlign(t, frame, err)
	}
	return err
}

// conradAlign finds the end of a frame again, after one that was not answered as
// it should be, and gives why, or what the wire failed with. It matters: turned
// by a byte a frame still has a right sum, and the question to card 1 is a
// command to card 2. It sends bytes one by one until a card says that they ended
// a wrong frame, which the fourth must do. Whether a card forgets half a frame by
// itself is unconfirmed.
func conradAlign(t *talk, last []byte, why error) error {
	frames := t.frames
	defer func() { t.frames = frames }() // nothing moves
	for _, p := range conradFiller(last) {
		if err := t.send([]byte{p}); err != nil {
			return err
		}
		if _, err := t.until(conradQuiet, conradWrong); err == nil {
			return why
		}
	}
	return why
}

// conradFiller are bytes that make no right frame, or one without a meaning, of
// what a card may have of the last one: its end, or all but a byte.
func conradFiller(last []byte) [4]byte {
	filler := byte(0xFF)
	for bytes.IndexByte(last, filler) >= 0 {
		filler--
	}
	return [4]byte{filler, 0x0F, 0xFF, 0xFF}
}

// conradFrame is command, address, data and their XOR.
func conradFrame(command, card, data byte) []byte {
	return []byte{command, card, data, command ^ card ^ data}
}

func conradSound(f []byte) bool { return f[0]^f[1]^f[2]^f[3] == 0 }

// conradWrong finds what a card says of a wrong frame.
func conradWrong(got []byte) bool {
	for ; len(got) >= 4 && conradSound(got); got = got[4:] {
		if got[0] == conradError {
			return true
		}
	}
	return false
}

// conradChain reads the answers to SETUP: one of each card, then SETUP for the
// one that would follow.
func conradChain(got []byte) (cards int, whole bool) {
	for ; len(got) >= 4 && conradSound(got) && int(got[1]) == cards+1; got = got[4:] {
		switch got[0] {
		case 0xFF ^ conradSetup:
			cards++
		case conradSetup:
			return cards, true
		default:
			return cards, false
		}
	}
	return cards, false
}

// conradSaid is what came of a frame.
type conradSaid int

const (
	conradNothing conradSaid = iota // yet, or nothing that makes sense
	conradTook                      // the card answers
	conradNoCard                    // it came back as it was
	conradMissed                    // a card before, or the card, got it with an error
	conradUnsure                    // a card behind it got something with an error: perhaps the answer
)

// conradAnswer finds the answer to a frame among whole ones; others are passed
// over.
func conradAnswer(got, frame []byte) (said conradSaid, data byte) {
	for ; len(got) >= 4 && conradSound(got); got = got[4:] {
		switch {
		case bytes.HasPrefix(got, frame):
			return conradNoCard, 0
		case got[0] == ^frame[0] && got[1] == frame[1]:
			return conradTook, got[2]
		case got[0] == conradError && got[1] <= frame[1]:
			return conradMissed, 0
		case got[0] == conradError:
			return conradUnsure, 0
		}
	}
	return conradNothing, 0
}
