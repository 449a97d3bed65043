package boardsim

import "testing"

func TestK8090(t *testing.T) {
	const on1, off1, ask = "04 11 01 00 00 EA 0F", "04 12 01 00 00 E9 0F", "04 18 00 00 00 E4 0F"
	tell(t, "k8090", 8, 0, Quirks{}, []told{
		{"on", on1, "04 51 00 01 00 AA 0F", []string{"1 true"}},
		{"on twice", on1 + on1, "04 51 00 01 00 AA 0F", []string{"1 true"}},
		{"off that is off", off1, "", nil},
		{"all on, all off", "04 11 FF 00 00 EC 0F 04 12 FF 00 00 EB 0F", "04 51 00 FF 00 AC 0F 04 51 FF 00 00 AC 0F", []string{
			"1 true", "2 true", "3 true", "4 true", "5 true", "6 true", "7 true", "8 true",
			"1 false", "2 false", "3 false", "4 false", "5 false", "6 false", "7 false", "8 false",
		}},
		{"toggle", "04 14 01 00 00 E7 0F", "04 51 00 01 00 AA 0F", []string{"1 true"}},
		{"ask", ask, "04 51 00 00 00 AB 0F", nil},
		{"ask after on", on1 + ask, "04 51 00 01 00 AA 0F 04 51 01 01 00 A9 0F", []string{"1 true"}},
		{"a timer, which is left out", "04 41 01 00 05 B5 0F", "", nil},
		{"wrong sum", "04 11 01 00 00 EB 0F", "", nil},
		{"wrong end", "04 11 01 00 00 EA 0E", "", nil},
		{"noise before", "55 04 11" + on1, "04 51 00 01 00 AA 0F", []string{"1 true"}},
		{"half a frame", "04 11 01", "", nil},
	})
	tell(t, "k8090", 8, 0, Quirks{Silent: true}, []told{{"silent", ask + on1, "04 51 00 01 00 AA 0F", []string{"1 true"}}})
	tell(t, "k8090", 8, 0, Quirks{Lost: 1}, []told{{"lost", on1, "", nil}})
	tell(t, "k8090", 8, 0, Quirks{PowerUp: []bool{true}}, []told{{"on after power-up", on1, "", nil}})
}

// TestK8090SaysWhatItsButtonsDo: unasked, where they were and are.
func TestK8090SaysWhatItsButtonsDo(t *testing.T) {
	b, _ := New("k8090", 8, 0, Quirks{})
	end, _ := NewCable(b).Open()
	_ = end.Write(raw(t, "04 11 01 00 00 EA 0F"))
	drain(end)
	b.Move(3, true)
	if got := drain(end); string(got) != "\x04\x51\x01\x05\x00\xA5\x0F" {
		t.Errorf("said % X", got)
	}
	b.Move(3, true)
	b.PowerCycle()
	if got := drain(end); len(got) > 0 {
		t.Errorf("said % X of nothing", got)
	}
	b.Move(1, true)
	if got := drain(end); string(got) != "\x04\x51\x00\x01\x00\xAA\x0F" {
		t.Errorf("after power-up: said % X", got)
	}
}
