package boardsim

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestKMTronic(t *testing.T) {
	for _, n := range []int{1, 2, 4, 8} {
		ask := told{"all are asked for", "FF 01 01 FF 09 00", "01" + fmt.Sprintf("%0*d", 2*n-2, 0), []string{"1 true"}}
		one := told{"one is asked for", "FF 01 01 FF 01 03", "", []string{"1 true"}}
		if n <= 2 {
			ask.out, one.out = "", "FF 01 01"
		}
		tell(t, "kmtronic", n, 0, Quirks{}, []told{
			{"on and off", "FF 01 01 FF 01 00", "", []string{"1 true", "1 false"}},
			ask, one,
			{"a state that is not", "FF 01 02 FF 01 FF FF FF 01", "", nil},
			{"channels that are not", "FF 00 01 FF 09 01 FF 0A 01", "", nil},
			{"noise", "00 01 03 41 FF 01 01", "", []string{"1 true"}},
			{"another's question swallows two bytes", "FF FF 01 01", "", nil},
			{"half a frame", "FF 01", "", nil},
		})
		tell(t, "kmtronic", n, 0, Quirks{Silent: true}, []told{{"silent", "FF 01 01 FF 01 03 FF 09 00", "", []string{"1 true"}}})
		tell(t, "kmtronic", n, 0, Quirks{Lost: 1}, []told{{"lost", "FF 01 01", "", nil}})
	}
}

// TestKMTronicWaits: for the rest of a frame until it has no power.
func TestKMTronicWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("kmtronic", 4, 0, Quirks{})
		end, _ := NewCable(b).Open()
		_ = end.Write(raw(t, "FF 02"))
		time.Sleep(time.Hour)
		_ = end.Write(raw(t, "01 FF 03"))
		if !b.Active(2) {
			t.Error("it forgot half a frame")
		}
		b.PowerCycle()
		_ = end.Write(raw(t, "01 FF 04 01"))
		if b.Active(3) || !b.Active(4) || b.Active(2) {
			t.Error("it kept half a frame without power, or the relays")
		}
	})
}
