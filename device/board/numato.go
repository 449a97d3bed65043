package board

import (
	"strconv"
	"strings"
	"time"
)

// numato is Numato Lab's USB relay modules: a command line that sends back each
// character, then its answer, then a prompt (hardware.md 1.3).
var numato = Family{
	Name: "numato", Boards: "Numato Lab USB relay modules", Sizes: []int{1, 2, 4, 8, 16, 32}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 10 * time.Millisecond, Settle: 100 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &numatoTalk{channels: s.Channels} },
}

const (
	numatoPrompt = ">"
	numatoLimit  = 500 * time.Millisecond
)

type numatoTalk struct {
	channels int
	plain    bool // it was seen to send nothing back
}

// greet ends half a line that an earlier program may have left.
func (n *numatoTalk) greet(t *talk) error {
	return t.again(func() error {
		if err := t.send([]byte("\r")); err != nil {
			return err
		}
		_, err := t.through(numatoPrompt, numatoLimit)
		return err
	})
}

func (n *numatoTalk) set(t *talk, channel int, active bool) (string, error) {
	word := "off"
	if active {
		word = "on"
	}
	answer, err := n.line(t, "relay "+word+" "+numatoRelay(channel))
	switch {
	case err != nil:
		return "", err
	case answer != "":
		return "", refusal(strconv.Quote(answer))
	case n.plain:
		return Sent, nil
	}
	return Acked, nil
}

func (n *numatoTalk) states(t *talk) (levels []level, err error) {
	if n.channels == 1 {
		answer, err := n.line(t, "relay read 0")
		if err == nil && answer != "on" && answer != "off" {
			err = unclear([]byte(answer))
		}
		return levelsOf([]bool{answer == "on"}), err
	}
	answer, err := n.line(t, "relay readall")
	if err != nil {
		return nil, err
	}
	on, ok := numatoStates(answer, n.channels)
	if !ok {
		return nil, unclear([]byte(answer))
	}
	return levelsOf(on), nil
}

// line sends a line and gives the answer to it.
func (n *numatoTalk) line(t *talk, command string) (answer string, err error) {
	err = t.again(func() error {
		if err := t.send([]byte(command + "\r")); err != nil {
			return err
		}
		var echoed, whole bool
		_, err := t.until(numatoLimit, func(got []byte) bool {
			answer, echoed, whole = numatoAnswer(got, command)
			return whole && (echoed || n.plain)
		})
		switch {
		case err == nil:
			return nil
		case whole && !echoed && t.silent(err) && strings.Trim(answer, "0123456789abcdefABCDEFno") == "":
			n.plain = true // an answer, but nothing of the line
			return nil
		}
		return err
	})
	return answer, err
}

// numatoAnswer takes the answer to a command out of what came in: it is between
// the command, if that was sent back, and the prompt, which makes it whole.
func numatoAnswer(got []byte, command string) (answer string, echoed, whole bool) {
	text, whole := strings.CutSuffix(string(got), numatoPrompt)
	if _, after, ok := strings.Cut(text, command); ok {
		text, echoed = after, true
	}
	return strings.Trim(text, "\r\n "+numatoPrompt), echoed, whole
}

// numatoStates reads the hex digits of readall, relay 0 in the last bit.
func numatoStates(answer string, channels int) (on []bool, ok bool) {
	if len(answer) != (channels+3)/4 {
		return nil, false
	}
	bits, err := strconv.ParseUint(answer, 16, 64)
	if err != nil {
		return nil, false
	}
	on = make([]bool, channels)
	for i := range on {
		on[i] = bits>>i&1 == 1
	}
	return on, true
}

// numatoRelay is how a command names a channel: 0 to 9, then letters from A.
func numatoRelay(channel int) string {
	if channel <= 10 {
		return strconv.Itoa(channel - 1)
	}
	return string(rune('A' + channel - 11))
}
