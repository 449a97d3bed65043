package boardsim

import "testing"

func TestConrad(t *testing.T) {
	const setup, answer = "01 01 00 00", "FE 01 0A F5 01 02 00 03"
	tell(t, "conrad", 8, 0, Quirks{}, []told{
		{"setup", setup, answer, nil},
		{"setup with another address", "01 07 00 06", "FE 07 0A F3 01 08 00 09", nil},
		{"before setup", "03 01 01 03", "03 01 01 03", nil},
		{"set, get", setup + "03 01 31 33 02 01 00 03", answer + "FC 01 CE 33 FD 01 31 CD", []string{"1 true", "5 true", "6 true"}},
		{"single on, off, toggle", setup + "06 01 03 04 07 01 01 07 08 01 82 8B", answer + "F9 01 FC 04 F8 01 FE 07 F7 01 7D 8B",
			[]string{"1 true", "2 true", "1 false", "2 false", "8 true"}},
		{"no operation", setup + "00 01 00 01", answer + "FF 01 00 FE", nil},
		{"options", setup + "04 01 00 05 05 01 00 04 03 00 FF FC", answer + "FB 01 01 FB FA 01 FF 04 03 00 FF FC", nil},
		{"another command", setup + "09 01 00 08", answer + "FF 01 00 FE", nil},
		{"wrong sum", setup + "03 01 01 02", answer + "FF 01 00 FE", nil},
		{"no such card", setup + "03 02 01 00", answer + "03 02 01 00", nil},
		{"broadcast", setup + "03 00 01 02", answer + "FC 01 FE 03 03 00 01 02", []string{"1 true"}},
		{"a byte too many", setup + "55 03 01 01 03", answer + "FF 01 00 FE", nil},
		{"half a frame", setup + "03 01", answer, nil},
	})
	tell(t, "conrad", 16, 0, Quirks{}, []told{
		{"two", setup + "03 02 80 81 02 01 00 03 02 02 00 00 02 03 00 01",
			"FE 01 0A F5 FE 02 0A F6 01 03 00 02 FC 02 7F 81 FD 01 00 FC FD 02 80 7F 02 03 00 01", []string{"16 true"}},
		{"a question that is turned by a byte", setup + "03 02 01 00 03", "FE 01 0A F5 FE 02 0A F6 01 03 00 02 FC 02 FE 00", []string{"9 true"}},
	})
	tell(t, "conrad", 8, 0, Quirks{Silent: true}, []told{{"silent", setup + "02 01 00 03", answer, nil}})
	tell(t, "conrad", 8, 0, Quirks{Lost: 1}, []told{{"lost", setup + "03 01 01 03", answer, nil}})
}

// TestConradForgetsItsAddress: with its power.
func TestConradForgetsItsAddress(t *testing.T) {
	b, _ := New("conrad", 8, 0, Quirks{})
	end, _ := NewCable(b).Open()
	_ = end.Write(raw(t, "01 01 00 00 03 01 01 03"))
	b.PowerCycle()
	drain(end)
	_ = end.Write(raw(t, "02 01 00 03"))
	if got := drain(end); string(got) != "\x02\x01\x00\x03" || b.Active(1) {
		t.Errorf("said % X, relay %t; want the frame back and the relay released", got, b.Active(1))
	}
}
