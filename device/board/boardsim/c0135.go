package boardsim

// c0135 is the boards of four relays around an STM8 (hardware.md 1.9): coils from
// 1, and on is 0x0100. Whether FF00 is taken too, nobody says: here it is not.
type c0135 struct{}

func (c0135) coils(b *Board, first, count int) ([]bool, byte) {
	if first < 1 || count < 1 || first+count-1 > len(b.active) {
		return nil, illegalAddress
	}
	return b.status()[first-1 : first-1+count], 0
}

func (c0135) registers(*Board, int, int) ([]uint16, byte) { return nil, illegalAddress }

func (c0135) write(b *Board, function byte, address int, value uint16) byte {
	switch {
	case function != 0x05:
		return illegalFunction
	case address == 0xFF && (value == 0 || value == 0xFFFF):
		for i := range b.active {
			b.set(i+1, value != 0)
		}
	case address < 1 || address > len(b.active):
		return illegalAddress
	case value != 0 && value != 0x0100:
		return illegalValue
	default:
		b.set(address, value != 0)
	}
	return 0
}
