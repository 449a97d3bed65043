package boardsim

// kmtronic is KMTronic's relays (hardware.md 1.2): FF channel op, and nothing
// else. 00 and 01 switch and say nothing. To one and two channels 03 asks and
// is answered FF channel state; to more, FF 09 00 asks and is answered a byte
// for each. It waits for the rest of a frame for ever: that it does is derived
// from what happens to others' frames, not confirmed.
type kmtronic struct{ frame []byte }

func (k *kmtronic) powerUp(*Board) { k.frame = nil }

func (k *kmtronic) eat(b *Board, in []byte) []byte {
	for _, c := range in {
		if len(k.frame) == 0 && c != 0xFF {
			continue // noise
		}
		if k.frame = append(k.frame, c); len(k.frame) == 3 {
			k.do(b, int(k.frame[1]), k.frame[2])
			k.frame = nil
		}
	}
	return nil
}

func (k *kmtronic) do(b *Board, channel int, op byte) {
	small := len(b.active) <= 2
	switch {
	case !small && channel == 9 && op == 0:
		if !b.q.Silent {
			b.reply(zeroOne(b.status()))
		}
	case small && op == 3 && channel >= 1 && channel <= len(b.active):
		if !b.q.Silent {
			b.reply(append([]byte{0xFF, byte(channel)}, zeroOne(b.status()[channel-1:channel])...))
		}
	case op <= 1 && b.obeys():
		b.set(channel, op == 1)
	}
}

// zeroOne is a byte a channel.
func zeroOne(active []bool) (p []byte) {
	for _, on := range active {
		c := byte(0)
		if on {
			c = 1
		}
		p = append(p, c)
	}
	return p
}
