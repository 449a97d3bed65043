package boardsim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEletechsup(t *testing.T) {
	const (
		on, off   = "01 06 00 01 01 00 D9 9A", "01 06 00 01 02 00 D9 6A"
		ten, stop = "01 06 00 01 06 0A 5B AD", "01 06 00 01 06 00 DB AA"
		allOn     = "01 06 00 00 07 00 8B FA"
		allOff    = "01 06 00 00 08 00 8E 0A"
		ask       = "01 03 00 01 00 01 D5 CA"
	)
	tell(t, "eletechsup", 8, 1, Quirks{}, []told{
		{"on, off", on + off, on + off, []string{"1 true", "1 false"}},
		{"0100 is written, 0001 read", ask + on + ask, "01 03 02 00 00 B8 44" + on + "01 03 02 00 01 79 84", []string{"1 true"}},
		{"eight at once", on + "01 03 00 01 00 08 15 CC", on + "01 03 10 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 25 59", []string{"1 true"}},
		{"toggle", "01 06 00 01 03 00 D8 FA", "01 06 00 01 03 00 D8 FA", []string{"1 true"}},
		{"interlock", "01 06 00 02 01 00 29 9A" + "01 06 00 01 04 00 DA CA", "01 06 00 02 01 00 29 9A" + "01 06 00 01 04 00 DA CA", []string{"2 true", "1 true", "2 false"}},
		{"a running delay ends with 0600 alone", ten + off + on + allOff + stop, ten + off + on + allOff + stop, []string{"1 true", "1 false"}},
		{"a delay, then off when it was ended", ten + stop + on + off, ten + stop + on + off, []string{"1 true", "1 false", "1 true", "1 false"}},
		{"no such register", "01 06 00 09 01 00 58 58", "01 86 02 C3 A1", nil},
		{"no such command", "01 06 00 01 09 00 DE 5A", "01 86 03 02 61", nil},
		{"coils", "01 01 00 01 00 08 6C 0C", "01 81 01 81 90", nil},
	})
	tell(t, "eletechsup", 16, 1, Quirks{}, []told{{"nine at once", "01 03 00 01 00 09 D4 0C", "01 83 02 C0 F1", nil}})
	tell(t, "eletechsup", 4, 1, Quirks{}, []told{{"all on, all off", allOn + allOff, allOn + allOff, []string{
		"1 true", "2 true", "3 true", "4 true", "1 false", "2 false", "3 false", "4 false",
	}}})
}

func TestEletechsupDelayAndLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("eletechsup", 8, 1, Quirks{Lag: 100 * time.Millisecond})
		end, _ := NewCable(b).Open()
		ask := func(want byte) {
			t.Helper()
			_ = end.Write(raw(t, "01 03 00 01 00 01 D5 CA"))
			if got := drain(end); len(got) != 7 || got[4] != want {
				t.Errorf("shows % X, want %d", got, want)
			}
		}
		_ = end.Write(raw(t, "01 06 00 01 06 0A 5B AD"))
		drain(end)
		ask(0)
		time.Sleep(100 * time.Millisecond)
		ask(1)
		time.Sleep(9899 * time.Millisecond)
		if !b.Active(1) {
			t.Error("the delay was over before its time")
		}
		time.Sleep(2 * time.Millisecond)
		ask(0)
		_ = end.Write(raw(t, "01 06 00 01 05 00 DB 5A")) // momentary
		drain(end)
		time.Sleep(999 * time.Millisecond)
		ask(1)
		time.Sleep(2 * time.Millisecond)
		ask(0)
	})
}
