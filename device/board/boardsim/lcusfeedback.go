package boardsim

// lcusFeedback is the clone of LCUS that answers (hardware.md 1.1): A0 channel
// op sum, where 00 and 01 switch and say nothing, 02 and 03 switch and answer,
// 04 inverts and answers, 05 answers. An answer is A0 channel state sum. FF is
// noise to it. That it says nothing of a channel that it does not have is a
// guess.
type lcusFeedback struct{}

func (lcusFeedback) eat(b *Board, in []byte) []byte {
	for len(in) > 0 {
		switch {
		case in[0] != 0xA0:
			in = in[1:]
		case len(in) < 4:
			return in // the rest is to come
		case in[0]+in[1]+in[2] != in[3]:
			in = in[1:]
		default:
			lcusFeedbackDo(b, int(in[1]), in[2])
			in = in[4:]
		}
	}
	return nil
}

func lcusFeedbackDo(b *Board, channel int, op byte) {
	if channel < 1 || channel > len(b.active) || op > 5 || op < 5 && !b.obeys() {
		return
	}
	switch op {
	case 0, 2:
		b.set(channel, false)
	case 1, 3:
		b.set(channel, true)
	case 4:
		b.set(channel, !b.active[channel-1])
	}
	if op < 2 || b.q.Silent {
		return
	}
	answer := []byte{0xA0, byte(channel), 0, 0xA0 + byte(channel)}
	if b.status()[channel-1] {
		answer[2]++
		answer[3]++
	}
	b.reply(answer)
}
