package boardsim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLCTech(t *testing.T) {
	const on = "FF 05 00 00 FF 00 99 E4"
	tell(t, "lctech", 4, 255, Quirks{}, []told{
		{"on, off", on + "FF 05 00 00 00 00 D8 14", on + "FF 05 00 00 00 00 D8 14", []string{"1 true", "1 false"}},
		{"all on, all off", "FF 0F 00 00 00 08 01 FF 30 1D FF 0F 00 00 00 08 01 00 70 5D", "FF 0F 00 00 00 08 41 D3 FF 0F 00 00 00 08 41 D3", []string{
			"1 true", "2 true", "3 true", "4 true", "1 false", "2 false", "3 false", "4 false",
		}},
		{"status of eight, whatever the size", on + "FF 01 00 00 00 08 28 12", on + "FF 01 01 01 A1 A0", []string{"1 true"}},
		{"on, then off", "FF 10 00 03 00 02 04 00 04 00 14 C5 9F", "FF 10 00 03 00 02 A4 16", []string{"1 true"}},
		{"off, then on", "FF 10 00 03 00 02 04 00 02 00 1E A5 99", "FF 10 00 03 00 02 A4 16", nil},
		{"another unit", "01 05 00 00 FF 00 8C 3A", "", nil},
		{"another value", "FF 05 00 00 01 00 D9 84", "FF 85 03 63 61", nil},
		{"another function", "FF 06 00 00 00 01 5D D4", "FF 86 01 E2 50", nil},
	})
	tell(t, "lctech", 2, 255, Quirks{}, []told{
		{"a timer that there is not", "FF 10 00 0D 00 02 04 00 04 FF FF 45 AC", "FF 90 02 AC 31", nil},
	})
}

func TestLCTechTimers(t *testing.T) {
	for frame, first := range map[string]bool{
		"FF 10 00 03 00 02 04 00 04 00 14 C5 9F": true,
		"FF 10 00 03 00 02 04 00 02 00 14 25 9E": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			b, _ := New("lctech", 4, 255, Quirks{PowerUp: []bool{!first}})
			end, _ := NewCable(b).Open()
			_ = end.Write(raw(t, frame))
			time.Sleep(2*time.Second - time.Millisecond)
			if b.Active(1) != first {
				t.Errorf("%s: %t before its end", frame, b.Active(1))
			}
			time.Sleep(2 * time.Millisecond)
			if b.Active(1) == first {
				t.Errorf("%s: %t after it", frame, b.Active(1))
			}
		})
	}
}
