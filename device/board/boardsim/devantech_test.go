package boardsim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestDevantech(t *testing.T) {
	all := func(on string) (moves []string) {
		for _, n := range "12345678" {
			moves = append(moves, string(n)+" "+on)
		}
		return moves
	}
	tell(t, "devantech", 8, 0, Quirks{}, []told{
		{"on and off", "65 6C 6F 76", "", []string{"1 true", "8 true", "1 false", "8 false"}},
		{"version", "5A", "08 01", nil},
		{"states", "65 6C 5B", "81", []string{"1 true", "8 true"}},
		{"set states", "5C 81 5B", "81", []string{"1 true", "8 true"}},
		{"a question eaten as states", "5C 5A", "", []string{"2 true", "4 true", "5 true", "7 true"}},
		{"all", "64 6E", "", append(all("true"), all("false")...)},
		{"what is no command", "00 10 5E 63 6D 77 FF 0D", "", nil},
		{"no voltage", "5D", "", nil},
		// hardware.md 1.12
		{"Numato's relay on 0", "\"relay on 0\r", "", []string{"1 true", "8 true", "1 false", "8 false"}},
		{"Numato's relay off 0", "\"relay off 0\r", "", []string{"1 true", "8 true", "1 false", "2 true"}},
	})
	tell(t, "devantech", 8, 0, Quirks{Version: 0x0902}, []told{{"RLY16", "5A 5D", "09 02 7D", nil}})
	tell(t, "devantech", 8, 0, Quirks{Version: 0x0F03}, []told{{"RLY16L", "5A 5D", "0F 03 32", nil}})
	tell(t, "devantech", 2, 0, Quirks{}, []told{
		{"RLY02", "5A 65 66 67 5B", "0A 01 03", []string{"1 true", "2 true"}},
		{"set states", "5C FE", "", []string{"2 true"}},
	})
	tell(t, "devantech", 8, 0, Quirks{Silent: true}, []told{{"silent", "65 5B", "", []string{"1 true"}}})
	tell(t, "devantech", 8, 0, Quirks{Lost: 1}, []told{{"lost", "65 66", "", []string{"2 true"}}})
}

// TestDevantechWithoutPower: it forgets that it waits for states, which else it
// does for ever; a RLY16L's relays stay.
func TestDevantechWithoutPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, latching := range []bool{false, true} {
			b, _ := New("devantech", 8, 0, Quirks{Latching: latching})
			moves := 0
			b.Watch(func(int, bool) { moves++ })
			end, _ := NewCable(b).Open()
			_ = end.Write(raw(t, "5C"))
			time.Sleep(time.Hour)
			_ = end.Write(raw(t, "03 5C"))
			b.PowerCycle()
			_ = end.Write(raw(t, "FF"))
			if b.Active(1) != latching || b.Active(2) != latching || b.Active(3) || moves != 2 && latching {
				t.Errorf("latching %t: relay 1 %t, 3 %t, %d moves", latching, b.Active(1), b.Active(3), moves)
			}
		}
	})
}
