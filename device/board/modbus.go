package board

import (
	"bytes"
	"fmt"
	"time"
)

// Functions of Modbus that are spoken (Modbus Application Protocol 1.1b3).
const (
	readCoils      = 0x01
	readRegisters  = 0x03
	writeCoil      = 0x05
	writeRegister  = 0x06
	writeCoils     = 0x0F
	writeRegisters = 0x10
	exception      = 0x80 // set in the function of a reply that says no
)

// coilOn is what function 05 writes to drive a coil; 0 releases it.
const coilOn = 0xFF00

// modbus is one unit on a Modbus RTU line (Modbus over Serial Line 1.02).
// Nothing is ever sent to unit 0, the broadcast.
type modbus struct {
	unit  byte
	limit time.Duration // for an answer: 300 ms to 1 s
}

// loopback is whether the adapter sends back what it is sent. A reply to 05 and
// 06 is its request, so a family asks something else first.
type loopback int

const (
	unsure loopback = iota
	never
	always
)

// frameGap is the silence between two frames: 3.5 characters, above 19200 baud
// 1.75 ms (Modbus over Serial Line 2.5.1.1).
func frameGap(baud int) time.Duration {
	if baud > 19200 {
		return 1750 * time.Microsecond
	}
	return lineTime(7, baud) / 2
}

// coils reads n coils.
func (m modbus) coils(t *talk, first uint16, n int) ([]bool, error) {
	data, err := m.request(t, pdu(readCoils, first, uint16(n)))
	if err != nil {
		return nil, err
	}
	on := make([]bool, n)
	for i := range on {
		on[i] = data[2+i/8]>>(i%8)&1 == 1
	}
	return on, nil
}

// registers reads n holding registers.
func (m modbus) registers(t *talk, first uint16, n int) ([]uint16, error) {
	data, err := m.request(t, pdu(readRegisters, first, uint16(n)))
	if err != nil {
		return nil, err
	}
	values := make([]uint16, n)
	for i := range values {
		values[i] = uint16(data[2+2*i])<<8 | uint16(data[3+2*i])
	}
	return values, nil
}

// write sends a coil (05) or a register (06), any value as it is.
func (m modbus) write(t *talk, function byte, address, value uint16) (proof string, err error) {
	if _, err = m.request(t, pdu(function, address, value)); err != nil {
		return "", err
	}
	if t.port.looped == unsure {
		return Sent, nil // it may have been our own
	}
	return Acked, nil
}

// writeAll sends registers that belong together (10).
func (m modbus) writeAll(t *talk, first uint16, values ...uint16) (proof string, err error) {
	request := append(pdu(writeRegisters, first, uint16(len(values))), byte(2*len(values)))
	for _, v := range values {
		request = append(request, byte(v>>8), byte(v))
	}
	if _, err = m.request(t, request); err != nil {
		return "", err
	}
	return Acked, nil
}

// pdu is a function with two 16-bit words, high bytes first.
func pdu(function byte, address, value uint16) []byte {
	return []byte{function, byte(address >> 8), byte(address), byte(value >> 8), byte(value)}
}

// request sends a request and gives the reply's function and data. A silent or
// garbled unit is asked again, as often as the talk allows.
func (m modbus) request(t *talk, ask []byte) (reply []byte, err error) {
	frame := modbusFrame(m.unit, ask)
	line := lineTime(len(frame)+modbusWhole(frame), t.port.o.Baud)
	err = t.again(func() error {
		if err := t.send(frame); err != nil {
			return err
		}
		var looped bool
		got, err := t.until(m.limit+line, func(got []byte) bool {
			reply, looped = modbusReply(got, frame, t.port.looped == always)
			return reply != nil
		})
		if looped {
			t.port.looped = always
		}
		if err != nil {
			if looped && len(got) <= len(frame) {
				return errSilent // only our own came
			}
			return err
		}
		if !looped && !mirrored(ask) {
			t.port.looped = never
		}
		return modbusNo(reply)
	})
	return reply, err
}

// mirrored says that the reply to a request is the request.
func mirrored(ask []byte) bool { return ask[0] == writeCoil || ask[0] == writeRegister }

// modbusFrame is unit, PDU and CRC, low byte first.
func modbusFrame(unit byte, pdu []byte) []byte {
	frame := append([]byte{unit}, pdu...)
	sum := crc16(frame)
	return append(frame, byte(sum), byte(sum>>8))
}

// modbusReply finds the reply to a request in what came in: the PDU of an
// exception, or of a frame of the same unit and function with the length, or
// the echo, that belongs to the request. Noise around it is passed over: the
// adapters make some when they turn round. One copy of the request itself in
// front of it is the adapter's, and looped; of a request whose reply is the
// same, only when loops says so.
func modbusReply(got, request []byte, loops bool) (reply []byte, looped bool) {
	ask := request[1 : len(request)-2]
	for len(got) > 0 {
		if !looped && (loops || !mirrored(ask)) && bytes.HasPrefix(got, request) {
			got, looped = got[len(request):], true
			continue
		}
		if n := modbusLength(got, request); n > 0 && crc16(got[:n]) == 0 {
			return got[1 : n-2], looped
		}
		got = got[1:]
	}
	return nil, looped
}

// modbusLength is the length of the reply that got begins with, as far as its
// head tells; 0 when it is none, or not all of it is there.
func modbusLength(got, request []byte) int {
	if len(got) < 5 || got[0] != request[0] || got[1]&^exception != request[1] {
		return 0
	}
	if got[1]&exception != 0 {
		return 5
	}
	n := modbusWhole(request)
	switch {
	case len(got) < n:
		return 0
	case request[1] >= writeCoil && !bytes.Equal(got[2:6], request[2:6]):
		return 0
	case request[1] <= readRegisters && int(got[2]) != n-5:
		return 0
	}
	return n
}

// modbusWhole is the length of the reply to a request that is obeyed.
func modbusWhole(request []byte) int {
	count := int(request[4])<<8 | int(request[5])
	switch request[1] {
	case readCoils:
		return (count+7)/8 + 5
	case readRegisters:
		return 2*count + 5
	}
	return 8
}

// modbusNo is the error of an exception reply. Device failure and acknowledge
// leave open what happened: they are no refusals.
func modbusNo(reply []byte) error {
	if reply[0]&exception == 0 {
		return nil
	}
	switch code := reply[1]; code {
	case 1:
		return refusal("it does not know this function (exception 1)")
	case 2:
		return refusal("it has no such address (exception 2)")
	case 3:
		return refusal("it does not take this value (exception 3)")
	case 4, 5:
		return fmt.Errorf("the board failed, or is not done yet (exception %d)", code)
	case 6:
		return refusal("it is busy (exception 6)")
	default:
		return refusal(fmt.Sprintf("exception %d", code))
	}
}

// crc16 is the CRC of Modbus RTU: of a frame with its own CRC it is 0.
func crc16(p []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, b := range p {
		sum ^= uint16(b)
		for range 8 {
			odd := sum & 1
			sum >>= 1
			if odd == 1 {
				sum ^= 0xA001
			}
		}
	}
	return sum
}
