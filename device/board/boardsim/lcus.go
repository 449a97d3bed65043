package boardsim

import "fmt"

// lcus is LCUS-1/2/4/8 (hardware.md 1.1): A0 channel op sum moves a relay and
// says nothing; FF alone asks for the states; anything else is noise.
type lcus struct{}

func (lcus) eat(b *Board, in []byte) []byte {
	for len(in) > 0 {
		switch {
		case in[0] == 0xFF && !b.q.Silent:
			b.reply(lcusStates(b.status()))
		case in[0] == 0xA0 && len(in) < 4:
			return in // the rest is to come
		case in[0] == 0xA0 && in[3] == in[0]+in[1]+in[2]:
			if b.obeys() && in[2] <= 1 {
				b.set(int(in[1]), in[2] == 1)
			}
			in = in[4:]
			continue
		}
		in = in[1:]
	}
	return nil
}

// lcusStates is one line of 10 bytes a channel: "CH1: ON \r\n", "CH2: OFF\r\n".
func lcusStates(active []bool) (p []byte) {
	for i, on := range active {
		word := "OFF"
		if on {
			word = "ON "
		}
		p = fmt.Appendf(p, "CH%d: %s\r\n", i+1, word)
	}
	return p
}
