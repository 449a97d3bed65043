package boardsim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestC0135(t *testing.T) {
	const on, off, ask = "01 05 00 01 01 00 9D 9A", "01 05 00 01 00 00 9C 0A", "01 01 00 01 00 04 6C 09"
	tell(t, "c0135", 4, 1, Quirks{}, []told{
		{"on, off", on + off, on + off, []string{"1 true", "1 false"}},
		{"states", ask + on + ask, "01 01 01 00 51 88" + on + "01 01 01 01 90 48", []string{"1 true"}},
		{"all", "01 05 00 FF FF FF FC 4A 01 05 00 FF 00 00 FD FA", "01 05 00 FF FF FF FC 4A 01 05 00 FF 00 00 FD FA", []string{
			"1 true", "2 true", "3 true", "4 true", "1 false", "2 false", "3 false", "4 false",
		}},
		{"no coil 0", "01 05 00 00 01 00 CC 5A", "01 85 02 C3 51", nil},
		{"not FF00", "01 05 00 01 FF 00 DD FA", "01 85 03 02 91", nil},
		{"a register", "01 06 00 01 00 01 19 CA", "01 86 01 83 A0", nil},
	})
	tell(t, "c0135", 4, 1, Quirks{Noise: 1}, []told{{"garbage", on, "55 7A 9F C4 E9 0E 33 58", []string{"1 true"}}})
}

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("c0135", 4, 1, Quirks{Delay: 30 * time.Millisecond, Pauses: 10 * time.Millisecond})
		end, _ := NewCable(b).Open()
		_ = end.Write(raw(t, "01 05 00 01 01 00 9D 9A"))
		for i, at := range []time.Duration{0, 29, 2, 10, 60} {
			time.Sleep(at * time.Millisecond)
			synctest.Wait()
			if got, want := len(drain(end)), []int{0, 0, 1, 1, 6}[i]; got != want {
				t.Errorf("step %d: %d bytes, want %d", i, got, want)
			}
		}
	})
}
