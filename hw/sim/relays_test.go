package sim

import (
	"strings"
	"testing"
)

func TestAStandInProvesNothing(t *testing.T) {
	board := NewRelays(32)
	one, err := board.Channel(1)
	if err != nil {
		t.Fatal(err)
	}
	last, err := board.Channel(32)
	if err != nil {
		t.Fatal(err)
	}
	if active, known, err := last.Active(); active || !known || err != nil {
		t.Errorf("at first: got %t %t %v", active, known, err)
	}
	if proof, err := last.Set(true, "call c1"); proof != "sim" || err != nil {
		t.Errorf("set: got %q %v, want sim", proof, err)
	}
	again, _ := board.Channel(32)
	for what, c := range map[string]struct {
		r    *Relay
		want bool
	}{"the one that was set": {last, true}, "taken again": {again, true}, "another": {one, false}} {
		if active, known, err := c.r.Active(); active != c.want || !known || err != nil || c.r.Proof() != "sim" {
			t.Errorf("%s: got %t %t %v %s", what, active, known, err, c.r.Proof())
		}
	}
	for _, n := range []int{0, 33} {
		if _, err := board.Channel(n); err == nil || !strings.HasSuffix(err.Error(), "want 1 to 32") {
			t.Errorf("channel %d: got %v", n, err)
		}
	}
}
