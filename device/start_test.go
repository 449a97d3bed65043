package device

import (
	"testing"
	"time"
)

// A line that cannot be told when it is opened, such as a board's channel, is told by its
// first command; one that opens by at_start, as a GPIO line does, is not told again.
func TestAtStartOfALineThatOpeningDoesNotDrive(t *testing.T) {
	for _, test := range []struct {
		name string
		spec OutputSpec
		was  bool
		want string
	}{
		{"on", OutputSpec{AtStart: "on"}, false, "+start"},
		{"off", OutputSpec{AtStart: "off"}, true, "-start"},
		{"off of nc", OutputSpec{AtStart: "off", Contact: ContactNC, Safe: LoadOn}, false, "+start"},
		{"on already", OutputSpec{AtStart: "on"}, true, ""},
		{"keep", OutputSpec{AtStart: "keep"}, true, ""},
		{"keep, safe on", OutputSpec{AtStart: "keep", Safe: LoadOn}, false, ""},
	} {
		bubble(t, func(t *testing.T) {
			test.spec.Name = "pump"
			r := newRig(t, Spec{Outputs: []OutputSpec{test.spec}})
			r.lines["pump"].level = test.was
			r.open().run()
			later(time.Second)
			if got := r.lines["pump"].trace(); got != test.want {
				t.Errorf("%s: edges %q, want %q", test.name, got, test.want)
			}
		})
	}
	bubble(t, func(t *testing.T) {
		r := newRig(t, Spec{Outputs: []OutputSpec{{Name: "pump", AtStart: "on"}}})
		r.adopters = map[string]Line{"pump": adopter{r.lines["pump"], true}}
		r.open().run()
		later(time.Second)
		if got := r.lines["pump"].trace(); got != "" {
			t.Errorf("a line that opens by itself: edges %q, want none of ours", got)
		}
	})
}

// A board that is not there at the start is not switched away from safe when its cable is
// put in an hour later; towards safe it is, whenever that is.
func TestAtStartOfABoardThatComesLate(t *testing.T) {
	for at, want := range map[string]string{"on": "", "off": "-start"} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, Spec{Outputs: []OutputSpec{{Name: "pump", AtStart: at}}})
			l := r.lines["pump"]
			l.level = at == "off"
			there := false
			l.fail = func(int, bool) error {
				if there {
					return nil
				}
				return moved(false)
			}
			r.open().run()
			later(time.Hour)
			l.set(func() { there = true })
			later(time.Minute)
			if got := l.trace(); got != want {
				t.Errorf("at_start %s: edges %q, want %q", at, got, want)
			}
			r.want(r.do("pump pulse 1s"), Done, "")
		})
	}
}
