package boardsim

// denkovi is Denkovi's board of 16 relays with a virtual COM port (hardware.md
// 1.4): it sends back a command that it obeys, and answers ask// with two raw
// bytes. One that comes too fast is lost, a question too. What it does with
// what is no command nobody wrote down; here it passes over it.
type denkovi struct{}

// denkoviShapes are its commands: # is a digit, ? any byte.
var denkoviShapes = []string{"##+//", "##-//", "on//", "off//", "x??//", "ask//"}

func (d denkovi) eat(b *Board, in []byte) []byte {
	for len(in) > 0 {
		n := 1 // is passed over
		for _, shape := range denkoviShapes {
			switch {
			case !denkoviFits(shape, in):
			case len(in) < len(shape):
				return in // the rest is to come
			default:
				n = len(shape)
				d.obey(b, string(in[:n]))
			}
		}
		in = in[n:]
	}
	return nil
}

// denkoviFits says whether in begins as a shape does, as far as it goes.
func denkoviFits(shape string, in []byte) bool {
	for i := range min(len(shape), len(in)) {
		switch c := in[i]; shape[i] {
		case '?':
		case '#':
			if c < '0' || c > '9' {
				return false
			}
		default:
			if c != shape[i] {
				return false
			}
		}
	}
	return true
}

func (d denkovi) obey(b *Board, command string) {
	if !b.obeys() {
		return
	}
	switch command[0] {
	case 'a':
		if !b.q.Silent {
			b.reply(denkoviBits(b.status()))
		}
		return
	case 'o', 'x':
		for i := range b.active {
			b.set(i+1, command == "on//" || command[0] == 'x' && i < 16 && command[1+i/8]>>(7-i%8)&1 == 1)
		}
	default:
		channel := int(command[0]-'0')*10 + int(command[1]-'0')
		if channel < 1 || channel > len(b.active) {
			return // what a real one says to that is unknown
		}
		b.set(channel, command[2] == '+')
	}
	b.reply([]byte(command))
}

// denkoviBits: relay 1 is the highest bit of the first byte.
func denkoviBits(active []bool) []byte {
	p := make([]byte, 2)
	for i, on := range active[:min(16, len(active))] {
		if on {
			p[i/8] |= 0x80 >> (i % 8)
		}
	}
	return p
}
