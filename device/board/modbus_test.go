package board

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestModbusFrames: each request that hardware.md 1.9 quotes, byte by byte.
func TestModbusFrames(t *testing.T) {
	for _, test := range []struct {
		what, want string
		unit       byte
		pdu        []byte
	}{
		{"waveshare 1 on", "01 05 00 00 FF 00 8C 3A", 1, pdu(writeCoil, 0, coilOn)},
		{"waveshare 1 off", "01 05 00 00 00 00 CD CA", 1, pdu(writeCoil, 0, 0)},
		{"waveshare 2 on", "01 05 00 01 FF 00 DD FA", 1, pdu(writeCoil, 1, coilOn)},
		{"waveshare all on", "01 05 00 FF FF 00 BC 0A", 1, pdu(writeCoil, 0xFF, coilOn)},
		{"waveshare all off", "01 05 00 FF 00 00 FD FA", 1, pdu(writeCoil, 0xFF, 0)},
		{"waveshare read 8", "01 01 00 00 00 08 3D CC", 1, pdu(readCoils, 0, 8)},
		{"waveshare write 8 on", "01 0F 00 00 00 08 01 FF BE D5", 1, append(pdu(writeCoils, 0, 8), 1, 0xFF)},
		{"waveshare write 8 off", "01 0F 00 00 00 08 01 00 FE 95", 1, append(pdu(writeCoils, 0, 8), 1, 0)},
		{"waveshare flash on 700 ms", "01 05 02 00 00 07 8D B0", 1, pdu(writeCoil, 0x200, 7)},
		{"waveshare flash on 5 s", "01 05 02 00 00 32 4D A7", 1, pdu(writeCoil, 0x200, 50)},
		{"waveshare flash off 10 s", "01 05 04 00 00 64 CD 11", 1, pdu(writeCoil, 0x400, 100)},
		{"waveshare version", "01 03 80 00 00 01 AD CA", 1, pdu(readRegisters, 0x8000, 1)},
		{"lctech 1 on", "FF 05 00 00 FF 00 99 E4", 255, pdu(writeCoil, 0, coilOn)},
		{"lctech 1 off", "FF 05 00 00 00 00 D8 14", 255, pdu(writeCoil, 0, 0)},
		{"lctech all on", "FF 0F 00 00 00 08 01 FF 30 1D", 255, append(pdu(writeCoils, 0, 8), 1, 0xFF)},
		{"lctech all off", "FF 0F 00 00 00 08 01 00 70 5D", 255, append(pdu(writeCoils, 0, 8), 1, 0)},
		{"lctech status", "FF 01 00 00 00 08 28 12", 255, pdu(readCoils, 0, 8)},
		{"lctech inputs", "FF 02 00 00 00 08 6C 12", 255, pdu(2, 0, 8)},
		{"eletechsup on", "01 06 00 01 01 00 D9 9A", 1, pdu(writeRegister, 1, 0x0100)},
		{"eletechsup off", "01 06 00 01 02 00 D9 6A", 1, pdu(writeRegister, 1, 0x0200)},
		{"eletechsup on for 10 s", "01 06 00 01 06 0A 5B AD", 1, pdu(writeRegister, 1, 0x060A)},
		{"eletechsup cancel", "01 06 00 01 06 00 DB AA", 1, pdu(writeRegister, 1, 0x0600)},
		{"eletechsup all on", "01 06 00 00 07 00 8B FA", 1, pdu(writeRegister, 0, 0x0700)},
		{"eletechsup all off", "01 06 00 00 08 00 8E 0A", 1, pdu(writeRegister, 0, 0x0800)},
		{"eletechsup read 1", "01 03 00 01 00 01 D5 CA", 1, pdu(readRegisters, 1, 1)},
		{"eletechsup read 8", "01 03 00 01 00 08 15 CC", 1, pdu(readRegisters, 1, 8)},
		{"c0135 on", "01 05 00 01 01 00 9D 9A", 1, pdu(writeCoil, 1, 0x0100)},
		{"c0135 off", "01 05 00 01 00 00 9C 0A", 1, pdu(writeCoil, 1, 0)},
		// Never sent by us, they hold the CRC only.
		{"waveshare toggle", "01 05 00 00 55 00 F2 9A", 1, pdu(writeCoil, 0, 0x5500)},
		{"waveshare set unit", "00 06 40 00 00 01 5C 1B", 0, pdu(writeRegister, 0x4000, 1)},
		{"waveshare read unit", "00 03 40 00 00 01 90 1B", 0, pdu(readRegisters, 0x4000, 1)},
		{"lctech read address", "00 03 00 00 00 01 85 DB", 0, pdu(readRegisters, 0, 1)},
	} {
		if got := modbusFrame(test.unit, test.pdu); !bytes.Equal(got, unhex(t, test.want)) {
			t.Errorf("%s: got % X, want %s", test.what, got, test.want)
		}
	}
}

// TestModbusReplies: what comes in, byte by byte, up to the one that makes it whole.
func TestModbusReplies(t *testing.T) {
	const read, write, values = "01 01 00 00 00 08 3D CC", "01 05 00 01 FF 00 DD FA", "FF 10 00 03 00 02 04 00 04 00 14 C5 9F"
	version, wait := modbusFrame(1, pdu(readRegisters, 0x8000, 1)), modbusFrame(255, pdu(writeRegisters, 3, 2))
	crc := func(s string) string { return hex.EncodeToString(modbusFrame(unhex(t, s)[0], unhex(t, s)[1:])) }
	for _, test := range []struct {
		what, request, got string
		loops              bool
		want               string // "": none
		looped             bool
	}{
		{"all off", read, "01 01 01 00 51 88", false, "01 01 00", false},
		{"address", "00 03 00 00 00 01 85 DB", "00 03 02 00 FF C5 C4", false, "03 02 00 FF", false},
		{"looped", read, read + "01 01 01 00 51 88", false, "01 01 00", true},
		{"looped, as it always was", read, read + "01 01 01 00 51 88", true, "01 01 00", true},
		{"looped and nothing more", read, read, false, "", true},
		{"noise before", read, "00 01" + "01 01 01 00 51 88", false, "01 01 00", false},
		{"noise between", read, read + "00" + "01 01 01 00 51 88", false, "01 01 00", true},
		{"another unit", read, crc("02 01 01 00"), false, "", false},
		{"another function", read, crc("01 03 01 00"), false, "", false},
		{"another count", read, crc("01 01 02 00 00"), false, "", false},
		{"a count that is not its length", read, crc("01 01 00 00"), false, "", false},
		{"wrong sum", read, "01 01 01 00 51 89", false, "", false},
		{"cut", read, "01 01 01 00 51", false, "", false},
		{"exception", write, "01 85 02 C3 51", false, "85 02", false},
		{"echo", write, write, false, "05 00 01 FF 00", false},
		{"echo of a looped one", write, write + write, true, "05 00 01 FF 00", true},
		{"looped, no echo", write, write, true, "", true},
		{"echo of another coil", write, "01 05 00 00 FF 00 8C 3A", false, "", false},
		{"echo of another value", write, "01 05 00 01 00 00 9C 0A", false, "", false},
		{"late echo before", write, "01 05 00 00 FF 00 8C 3A" + write, false, "05 00 01 FF 00", false},
		{"registers", values, hex.EncodeToString(wait), false, "10 00 03 00 02", false},
		{"registers, looped", values, values + hex.EncodeToString(wait), false, "10 00 03 00 02", true},
		{"version", hex.EncodeToString(version), crc("01 03 02 00 C8"), false, "03 02 00 C8", false},
	} {
		whole, request := unhex(t, test.got), unhex(t, test.request)
		for n := range whole { // until the last byte there is no answer
			if got, _ := modbusReply(whole[:n], request, test.loops); got != nil && test.want != "" {
				t.Errorf("%s: got % X from %d bytes", test.what, got, n)
			}
		}
		got, looped := modbusReply(whole, request, test.loops)
		if !bytes.Equal(got, unhex(t, test.want)) || looped != test.looped {
			t.Errorf("%s: got % X, looped %t; want %s, %t", test.what, got, looped, test.want, test.looped)
		}
	}
}

func TestModbusExceptions(t *testing.T) {
	for code, refused := range map[byte]bool{1: true, 2: true, 3: true, 4: false, 5: false, 6: true, 11: true} {
		err := modbusNo([]byte{0x85, code})
		if _, no := errors.AsType[refusal](err); err == nil || no != refused {
			t.Errorf("exception %d: got %v, want a refusal: %t", code, err, refused)
		}
	}
	if err := modbusNo([]byte{5, 0, 0, 0, 0}); err != nil {
		t.Errorf("no exception: got %v", err)
	}
}

func TestModbusGap(t *testing.T) {
	for baud, want := range map[int]time.Duration{9600: 4 * time.Millisecond, 4800: 8 * time.Millisecond, 19200: 2 * time.Millisecond, 115200: 1750 * time.Microsecond} {
		if got := frameGap(baud); got < want || got > want*11/10 {
			t.Errorf("%d baud: got %s, want %s and little more", baud, got, want)
		}
	}
}

func FuzzModbusReply(f *testing.F) {
	f.Add(unhex(f, "01 01 01 00 51 88"), unhex(f, "01 01 00 00 00 08 3D CC"), false)
	f.Add(unhex(f, "01 05 00 01 FF 00 DD FA 01 85 02 C3 51"), unhex(f, "01 05 00 01 FF 00 DD FA"), true)
	f.Add(unhex(f, "FF 10 00 03"), unhex(f, "FF 10 00 03 00 02 04 00 04 00 14 C5 9F"), false)
	f.Fuzz(func(t *testing.T, got, request []byte, loops bool) {
		if len(request) < 8 || !slices.Contains([]byte{1, 3, 5, 6, 15, 16}, request[1]) {
			return
		}
		reply, looped := modbusReply(got, request, loops)
		if reply == nil {
			return
		}
		if reply[0]&^exception != request[1] || !bytes.Contains(got, modbusFrame(request[0], reply)) {
			t.Errorf("% X of % X to % X", reply, got, request)
		}
		if looped && !bytes.Contains(got, request) {
			t.Error("looped what did not come")
		}
		// What the callers index must be there.
		if reply[0] == readCoils || reply[0] == readRegisters {
			count := int(request[4])<<8 | int(request[5])
			if reply[0] == readCoils && len(reply) != 2+(count+7)/8 || reply[0] == readRegisters && len(reply) != 2+2*count {
				t.Errorf("%d bytes for %d values", len(reply), count)
			}
		} else if reply[0]&exception != 0 && len(reply) != 2 {
			t.Errorf("an exception of %d bytes", len(reply))
		}
	})
}
