package boardsim

import "cmp"

// devantech is Devantech's USB-RLY modules (hardware.md 1.6): every byte is a
// command at once, but for the one after 5C, which is the states of all relays,
// however late it comes (derived, not confirmed). Quirks.Version is the module
// and its firmware: 0x0801 a RLY08, 0x0901 a RLY16, 0x0A01 a RLY02, 0x0F01 a
// RLY16L, which is to be Latching too. Other bytes do nothing, which is a guess.
type devantech struct {
	version uint16 // where no quirk has one
	mask    bool   // the next byte is the states of all
}

func newDevantech(channels int) *devantech {
	if channels <= 2 {
		return &devantech{version: 0x0A01}
	}
	return &devantech{version: 0x0801}
}

func (d *devantech) powerUp(*Board) { d.mask = false }

func (d *devantech) eat(b *Board, in []byte) []byte {
	for _, c := range in {
		if d.mask {
			d.mask = false
			setAll(b, c)
			continue
		}
		d.do(b, c)
	}
	return nil
}

func (d *devantech) do(b *Board, c byte) {
	version := cmp.Or(b.q.Version, d.version)
	switch {
	case c == 0x5A:
		b.reply([]byte{byte(version >> 8), byte(version)})
	case c == 0x5B && !b.q.Silent:
		b.reply(bits(b.status()))
	case c == 0x5C:
		d.mask = true
	case c == 0x5D && version>>8 == 9:
		b.reply([]byte{125}) // 12.5 V
	case c == 0x5D && version>>8 == 15:
		b.reply([]byte{50})
	case c == 0x64:
		setAll(b, 0xFF)
	case c == 0x6E:
		setAll(b, 0)
	case c >= 0x65 && c <= 0x6C && b.obeys():
		b.set(int(c-0x64), true)
	case c >= 0x6F && c <= 0x76 && b.obeys():
		b.set(int(c-0x6E), false)
	}
}

func setAll(b *Board, mask byte) {
	if !b.obeys() {
		return
	}
	for i := range b.active {
		b.set(i+1, mask>>i&1 == 1)
	}
}

// bits is a byte with relay 1 in bit 0.
func bits(active []bool) []byte {
	var c byte
	for i, on := range active {
		if on {
			c |= 1 << i
		}
	}
	return []byte{c}
}
