package boardsim

import "testing"

func TestLCUSFeedback(t *testing.T) {
	tell(t, "lcus-feedback", 2, 0, Quirks{}, []told{
		{"on, off, silent", "A0 01 01 A2 A0 01 00 A1", "", []string{"1 true", "1 false"}},
		{"on, off, answered", "A0 02 03 A5 A0 02 02 A4", "A0 02 01 A3 A0 02 00 A2", []string{"2 true", "2 false"}},
		{"off by what asks others", "A0 01 01 A2 A0 01 02 A3", "A0 01 00 A1", []string{"1 true", "1 false"}},
		{"invert", "A0 01 04 A5 A0 01 04 A5", "A0 01 01 A2 A0 01 00 A1", []string{"1 true", "1 false"}},
		{"check", "A0 01 03 A4 A0 01 05 A6 A0 02 05 A7", "A0 01 01 A2 A0 01 01 A2 A0 02 00 A2", []string{"1 true"}},
		{"a classic's question", "FF A0 01 05 A6 FF", "A0 01 00 A1", nil},
		{"no such channel", "A0 03 03 A6 A0 00 03 A3 A0 0F 05 B4", "", nil},
		{"no such op", "A0 01 06 A7", "", nil},
		{"wrong sum", "A0 01 03 A5", "", nil},
		{"broken frame before", "A0 01 A0 01 03 A4", "A0 01 01 A2", []string{"1 true"}},
		{"half a frame", "A0 01 03", "", nil},
	})
	tell(t, "lcus-feedback", 1, 0, Quirks{Silent: true}, []told{{"silent", "A0 01 03 A4 A0 01 05 A6", "", []string{"1 true"}}})
	tell(t, "lcus-feedback", 1, 0, Quirks{Lost: 1}, []told{{"lost", "A0 01 03 A4 A0 01 05 A6", "A0 01 00 A1", nil}})
	tell(t, "lcus-feedback", 1, 0, Quirks{Stale: true}, []told{{"stale", "A0 01 03 A4 A0 01 05 A6", "A0 01 00 A1 A0 01 01 A2", []string{"1 true"}}})
}
