package boardsim

import "encoding/binary"

// The exceptions of Modbus that a board answers with.
const (
	illegalFunction = 1
	illegalAddress  = 2
	illegalValue    = 3
)

// addresses are the coils and registers of a Modbus family. code is 0, or the
// exception that is answered.
type addresses interface {
	// coils gives the coils for function 01.
	coils(b *Board, first, count int) (on []bool, code byte)
	// registers gives the registers for function 03.
	registers(b *Board, first, count int) (values []uint16, code byte)
	// write is function 05 or 06, or one register of 10.
	write(b *Board, function byte, address int, value uint16) (code byte)
}

// oldReply is a model of addresses that answers in an older protocol.
type oldReply interface {
	old(b *Board, request []byte) []byte
}

// modbusUnit is a unit on a Modbus RTU line. It passes over noise and over what
// is for other units.
type modbusUnit struct{ addresses }

func (m *modbusUnit) eat(b *Board, in []byte) []byte {
	for len(in) >= 8 {
		n := 8
		if in[1] == 0x0F || in[1] == 0x10 {
			n = 9 + int(in[6])
		}
		switch {
		case n > 8 && len(in) < n && n < 140:
			return in // the rest is to come
		case len(in) < n || !sound(in[:n]):
			in = in[1:]
			continue
		}
		if in[0] == b.unit {
			m.obey(b, in[:n])
		}
		in = in[n:]
	}
	return in
}

// obey answers one request.
func (m *modbusUnit) obey(b *Board, request []byte) {
	if o, ok := m.addresses.(oldReply); ok && b.q.V1 {
		b.reply(o.old(b, request))
		return
	}
	function, first, count := request[1], int(binary.BigEndian.Uint16(request[2:])), int(binary.BigEndian.Uint16(request[4:]))
	var data []byte
	code := byte(illegalFunction)
	switch function {
	case 0x01:
		var on []bool
		if on, code = m.coils(b, first, count); code == 0 {
			data = packed(on)
		}
	case 0x03:
		var values []uint16
		if values, code = m.registers(b, first, count); code == 0 {
			data = []byte{byte(2 * len(values))}
			for _, v := range values {
				data = binary.BigEndian.AppendUint16(data, v)
			}
		}
	case 0x05, 0x06, 0x0F, 0x10:
		if !b.obeys() {
			return
		}
		code, data = m.writeAll(b, request), request[2:6]
	}
	if function < 5 && b.q.Silent {
		return
	}
	if code != 0 {
		function, data = function|0x80, []byte{code}
	}
	b.reply(summed(append([]byte{b.unit, function}, data...)))
}

// writeAll writes what a request has: one value, bits or registers.
func (m *modbusUnit) writeAll(b *Board, request []byte) (code byte) {
	function, first, count := request[1], int(binary.BigEndian.Uint16(request[2:])), int(binary.BigEndian.Uint16(request[4:]))
	if function < 0x0F {
		return m.write(b, function, first, uint16(count))
	}
	for i := range count {
		switch data := request[7:]; {
		case function == 0x0F && i/8 < len(data)-2:
			code = m.write(b, 0x05, first+i, uint16(data[i/8]>>(i%8)&1)*0xFF00)
		case function == 0x10 && 2*i+1 < len(data)-2:
			code = m.write(b, 0x10, first+i, binary.BigEndian.Uint16(data[2*i:]))
		default:
			code = illegalValue
		}
		if code != 0 {
			return code
		}
	}
	return 0
}

// packed is a count and the bits of the coils.
func packed(on []bool) []byte {
	p := make([]byte, 1+(len(on)+7)/8)
	p[0] = byte(len(p) - 1)
	for i, v := range on {
		if v {
			p[1+i/8] |= 1 << (i % 8)
		}
	}
	return p
}

// summed adds the CRC, bit by bit of the polynomial x16+x15+x2+1.
func summed(p []byte) []byte {
	sum := uint16(0xFFFF)
	for _, c := range p {
		for i := range 8 {
			mix := (sum ^ uint16(c)>>i) & 1
			sum = sum>>1 ^ mix*0xA001
		}
	}
	return binary.LittleEndian.AppendUint16(p, sum)
}

func sound(frame []byte) bool {
	n := len(frame) - 2
	return string(summed(append([]byte(nil), frame[:n]...))) == string(frame)
}
