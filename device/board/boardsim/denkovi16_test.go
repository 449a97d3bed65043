package boardsim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestDenkovi(t *testing.T) {
	all := []string{"1 true", "2 true", "3 true", "4 true", "5 true", "6 true", "7 true", "8 true",
		"9 true", "10 true", "11 true", "12 true", "13 true", "14 true", "15 true", "16 true"}
	tell(t, "denkovi16", 16, 0, Quirks{}, []told{
		{"on", "\"01+//", "\"01+//", []string{"1 true"}},
		{"on and off", "\"16+//16-//", "\"16+//16-//", []string{"16 true", "16 false"}},
		{"states", "\"01+//16+//ask//", "\"01+//16+//\x80\x01", []string{"1 true", "16 true"}},
		{"all on", "\"on//", "\"on//", all},
		{"all off", "\"off//", "\"off//", nil},
		{"a bitmap that has the end in it", "\"x\x00///ask//", "\"x\x00///\x00/", []string{"11 true", "13 true", "14 true", "15 true", "16 true"}},
		{"noise before", "\"hello01+//", "\"01+//", []string{"1 true"}},
		{"half a command before", "\"01+02+//", "\"02+//", []string{"2 true"}},
		{"no such relay", "\"17+//00+//", "", nil},
		{"half a command", "\"01+/", "", nil},
	})
	tell(t, "denkovi16", 16, 0, Quirks{Silent: true}, []told{{"silent", "\"01+//ask//", "\"01+//", []string{"1 true"}}})
	tell(t, "denkovi16", 16, 0, Quirks{Lost: 1}, []told{{"lost", "\"01+//02+//", "\"02+//", []string{"2 true"}}})
}

// TestDenkoviTooFast: a command is lost, and a question too.
func TestDenkoviTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := New("denkovi16", 16, 0, Quirks{TooFast: 20 * time.Millisecond})
		end, _ := NewCable(b).Open()
		for _, s := range []string{"01+//", "02+//", "ask//"} {
			_ = end.Write([]byte(s))
			time.Sleep(10 * time.Millisecond)
		}
		if got := string(drain(end)); got != "01+//" || !b.Active(1) || b.Active(2) {
			t.Errorf("said %q, relays %t %t", got, b.Active(1), b.Active(2))
		}
	})
}
