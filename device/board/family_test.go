package board

import (
	"strings"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	if f, err := Find("lcus"); err != nil || len(f.Sizes) != 4 || f.Baud != 9600 || f.Proof != "readback" {
		t.Errorf("lcus: got %+v %v", f, err)
	}
	if _, err := Find("lcu"); err == nil || !strings.HasPrefix(err.Error(), `board driver "lcu": want lcus, `) {
		t.Errorf("got %v, want the names", err)
	}
	if len(Families()) != len(families) {
		t.Error("Families lacks some")
	}
}

// TestDeclarations: what a family says of itself fits together.
func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families {
		_, times := f.speak(Spec{Channels: 1, Unit: 1}).(timing)
		switch {
		case f.Name == "" || f.Boards == "" || seen[f.Name]:
			t.Errorf("%q: no name, no boards, or there twice", f.Name)
		case f.Proof != Sent && f.Proof != Acked && f.Proof != Readback:
			t.Errorf("%s: proof %q", f.Name, f.Proof)
		case f.Baud == 0 || f.Parity == "":
			t.Errorf("%s: no baud or parity", f.Name)
		case f.Bus != (f.Unit != 0) && f.Bus:
			t.Errorf("%s: on a bus without an address", f.Name)
		case times != (f.Timer.Active || f.Timer.Inactive):
			t.Errorf("%s: its Timer and its dialect disagree", f.Name)
		case times && (f.Timer.Step <= 0 || f.Timer.Longest%f.Timer.Step != 0):
			t.Errorf("%s: Timer %+v", f.Name, f.Timer)
		case f.Gap > talkLimit/10 || f.Settle > talkLimit/10:
			t.Errorf("%s: waits too long", f.Name)
		}
		seen[f.Name] = true
	}
}

func TestTimerFit(t *testing.T) {
	timer := Timer{Active: true, Step: time.Second, Longest: 255 * time.Second}
	for _, test := range []struct {
		active      bool
		width, kept time.Duration
	}{
		{true, time.Second, time.Second}, {true, 1001 * time.Millisecond, 2 * time.Second}, {true, 1, time.Second},
		{true, 255 * time.Second, 255 * time.Second}, {true, 255*time.Second + 1, 0}, {true, 0, 0}, {true, -1, 0},
		{false, time.Second, 0},
	} {
		if kept, ok := timer.Fit(test.active, test.width); kept != test.kept || ok != (test.kept > 0) {
			t.Errorf("%t %s: got %s %t, want %s", test.active, test.width, kept, ok, test.kept)
		}
	}
}
