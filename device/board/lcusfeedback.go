package board

import (
	"fmt"
	"time"
)

// lcusFeedback is the SAMIROB and SAMIORE look-alikes of LCUS, which answer
// (hardware.md 1.1). What is known of them is second-hand, from one public
// driver that was tried on a board of two channels; that the other sizes speak
// the same is a guess. Op 04, which inverts, is never sent.
var lcusFeedback = Family{
	Name: "lcus-feedback", Boards: "SAMIROB and SAMIORE look-alikes of LCUS, which answer (CH340)",
	Sizes: []int{1, 2, 4, 8}, Proof: Readback,
	Baud: 9600, Parity: "none", Gap: 100 * time.Millisecond, Reopen: true,
	speak: func(s Spec) dialect { return &lcusFeedbackTalk{s.Channels} },
}

const (
	feedbackOff   = 0x02
	feedbackOn    = 0x03
	feedbackCheck = 0x05
	feedbackLimit = 250 * time.Millisecond // the driver waits 100 ms for the relay, then up to 200 ms
)

type lcusFeedbackTalk struct{ channels int }

// set takes an answer for an ack only if it shows the level that was told: the
// board alone can have made that, since the ops are no states. A first answer
// that shows the other one may be the state of before, as on classic boards;
// the second is taken for true.
func (l *lcusFeedbackTalk) set(t *talk, channel int, active bool) (string, error) {
	op := byte(feedbackOff)
	if active {
		op = feedbackOn
	}
	for range 2 {
		shown, err := l.ask(t, channel, op)
		switch {
		case err != nil:
			return "", err
		case shown == active:
			return Acked, nil
		}
	}
	return "", refusal(fmt.Sprintf("told twice, it shows channel %d as it was", channel))
}

// states asks for each channel: no frame is known that asks for all. FF does
// not, and channel 0F is another clone's, whose op 02 asks.
func (l *lcusFeedbackTalk) states(t *talk) ([]level, error) {
	active := make([]bool, l.channels)
	for i := range active {
		shown, err := l.ask(t, i+1, feedbackCheck)
		if err != nil {
			return nil, fmt.Errorf("channel %d: %w", i+1, err)
		}
		active[i] = shown
	}
	return levelsOf(active), nil
}

// ask sends a frame, again if need be, and gives the state in the answer to it.
func (l *lcusFeedbackTalk) ask(t *talk, channel int, op byte) (active bool, err error) {
	err = t.again(func() error {
		if err := t.send([]byte{0xA0, byte(channel), op, 0xA0 + byte(channel) + op}); err != nil {
			return err
		}
		_, err := t.until(feedbackLimit, func(got []byte) (whole bool) {
			active, whole = feedbackState(got, channel)
			return whole
		})
		return err
	})
	return active, err
}

// feedbackState finds the answer about a channel, A0 channel state sum, in what
// came in. What the adapter may send back of ours is none: it has an op where
// an answer has 00 or 01. The last one counts.
func feedbackState(got []byte, channel int) (active, whole bool) {
	for ; len(got) >= 4; got = got[1:] {
		state := got[2]
		if got[0] == 0xA0 && got[1] == byte(channel) && state <= 1 && got[3] == 0xA0+byte(channel)+state {
			active, whole = state == 1, true
		}
	}
	return active, whole
}
