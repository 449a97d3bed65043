package boardsim

// k8090 is Velleman's K8090 (hardware.md 1.10): frames of seven bytes. It
// answers a command only when a relay moved, and says the same when somebody
// presses its buttons. Timers are left out: the command is unconfirmed.
type k8090 struct {
	told byte // the relays as it last said, or as they were after power-up
	up   bool
}

func (k *k8090) powerUp(b *Board) { k.told, k.up = k8090Bits(b.active), true }

func (k *k8090) eat(b *Board, in []byte) []byte {
	if !k.up {
		k.powerUp(b)
	}
	for len(in) >= 7 {
		if in[0] != 0x04 || in[6] != 0x0F || k8090Sum(in) != in[5] {
			in = in[1:]
			continue
		}
		k.obey(b, in[1], in[2])
		in = in[7:]
	}
	return in
}

func (k *k8090) obey(b *Board, command, mask byte) {
	if command == 0x18 {
		if !b.q.Silent {
			k.event(b, k8090Bits(b.status()))
		}
		return
	}
	if command != 0x11 && command != 0x12 && command != 0x14 || !b.obeys() {
		return
	}
	for i := range b.active {
		if mask>>i&1 == 0 || i > 7 {
			continue
		}
		// That 14 toggles is from memory.
		b.set(i+1, command == 0x11 || command == 0x14 && !b.active[i])
	}
	k.moved(b, 0)
}

// moved says where the relays are, if that is news.
func (k *k8090) moved(b *Board, _ int) {
	if now := k8090Bits(b.active); now != k.told {
		k.event(b, now)
	}
}

// event is where the relays were, where they are, and which have a timer that runs.
func (k *k8090) event(b *Board, now byte) {
	p := []byte{0x04, 0x51, k.told, now, 0, 0, 0x0F}
	p[5] = k8090Sum(p)
	k.told = now
	b.reply(p)
}

// k8090Bits: relay 1 is the lowest bit.
func k8090Bits(active []bool) (bits byte) {
	for i, on := range active[:min(8, len(active))] {
		if on {
			bits |= 1 << i
		}
	}
	return bits
}

func k8090Sum(frame []byte) (sum byte) {
	for _, c := range frame[:5] {
		sum -= c
	}
	return sum
}
