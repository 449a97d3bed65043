package boardsim

// conrad is a chain of Conrad's cards 197720 (hardware.md 1.8), eight relays
// each: a ring that a frame goes round, from card to card, until one takes it.
// A card has no address before SETUP. What is behind a card gets its answers
// unchanged, so the chain is one Board.
type conrad struct {
	first  byte   // address of the first card; 0 = they have none
	option []byte // of each card: 1 = obeys broadcasts
}

// conradInfo is what SETUP is answered with, the version of a card's program.
const conradInfo = 0x0A

func newConrad(channels int) *conrad {
	c := &conrad{option: make([]byte, (channels+7)/8)}
	for i := range c.option {
		c.option[i] = 1
	}
	return c
}

func (c *conrad) powerUp(*Board) { c.first = 0 }

func (c *conrad) eat(b *Board, in []byte) []byte {
	for ; len(in) >= 4; in = in[4:] {
		c.round(b, in[0], in[1], in[2], in[3])
	}
	return in
}

// round brings one frame round the ring.
func (c *conrad) round(b *Board, command, address, data, sum byte) {
	switch card := int(address) - int(c.first); {
	case command^address^data != sum:
		c.say(b, 0xFF, c.first, 0) // and does not pass it on
	case command == 1:
		c.first = address
		for range c.option {
			c.say(b, 0xFE, address, conradInfo)
			address++
		}
		c.say(b, 1, address, data)
	case address == 0:
		for i := range c.option {
			if c.option[i]&1 == 1 {
				c.obey(b, i, command, data)
			}
		}
		c.say(b, command, 0, data)
	case c.first == 0 || card < 0 || card >= len(c.option):
		c.say(b, command, address, data) // nobody took it
	default:
		c.obey(b, card, command, data)
	}
}

// obey is one card that takes a command.
func (c *conrad) obey(b *Board, card int, command, data byte) {
	address, now := c.first+byte(card), conradBits(b.active, card)
	switch command {
	case 2:
		if !b.q.Silent {
			c.say(b, 0xFD, address, conradBits(b.status(), card))
		}
		return
	case 4:
		c.say(b, 0xFB, address, c.option[card])
		return
	case 3:
		now = data
	case 5:
		c.option[card] = data
	case 6: // that 6 to 8 take a mask is unconfirmed
		now |= data
	case 7:
		now &^= data
	case 8:
		now ^= data
	default: // 0 too
		c.say(b, 0xFF, address, data)
		return
	}
	if !b.obeys() {
		return
	}
	for i := range 8 {
		b.set(8*card+i+1, now>>i&1 == 1)
	}
	c.say(b, ^command, address, ^data) // that data means nothing
}

// conradBits are a card's relays, the first in the lowest bit.
func conradBits(active []bool, card int) (bits byte) {
	for i, on := range active[8*card:] {
		if on && i < 8 {
			bits |= 1 << i
		}
	}
	return bits
}

func (c *conrad) say(b *Board, command, address, data byte) {
	b.reply([]byte{command, address, data, command ^ address ^ data})
}
