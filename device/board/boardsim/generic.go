package boardsim

// generic is a plain Modbus RTU board: a coil and a register for each relay, both
// from 0, with the usual values: FF00 and 0, 1 and 0.
type generic struct{}

func (generic) coils(b *Board, first, count int) ([]bool, byte) {
	if count < 1 || first+count > len(b.active) {
		return nil, illegalAddress
	}
	return b.status()[first : first+count], 0
}

func (g generic) registers(b *Board, first, count int) (values []uint16, code byte) {
	on, code := g.coils(b, first, count)
	for _, v := range on {
		values = append(values, 0)
		if v {
			values[len(values)-1] = 1
		}
	}
	return values, code
}

func (generic) write(b *Board, function byte, address int, value uint16) byte {
	on := uint16(1)
	if function == 0x05 {
		on = 0xFF00
	}
	switch {
	case address >= len(b.active):
		return illegalAddress
	case value != 0 && value != on:
		return illegalValue
	}
	b.set(address+1, value == on)
	return 0
}
