package board

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a board can prove of a command, from least to best.
const (
	Sent     = "sent"     // the frame went out
	Acked    = "acked"    // the board said that it took it
	Readback = "readback" // asked afterwards, the board shows it
)

// MostChannels is the most that one board may have.
const MostChannels = 64

// Family is one kind of board: what the config's `driver` names. It is a
// declaration; what it declares the worker keeps, and the docs show.
type Family struct {
	Name   string
	Boards string        // what is sold under it
	Sizes  []int         // of channels it is made in; nil = any up to MostChannels
	Proof  string        // the best that it can prove: Sent, Acked or Readback
	Baud   int           // unless the config says otherwise
	Parity string        // likewise: "none", "even" or "odd"
	Unit   int           // address, unless the config says otherwise; 0 = it has none
	Bus    bool          // several boards may share a port, told apart by their units
	Map    bool          // the config says how it is spoken to
	Gap    time.Duration // between two frames to one board
	Settle time.Duration // from a command until the board can tell what it did
	Reopen bool          // its port may be opened again, and it greeted again, while it is powered
	Timer  Timer

	speak func(Spec) dialect
}

// Timer is what a family's boards time by themselves: the relay goes to a level
// now and back after a width, whatever becomes of the agent. The zero value
// is a family without timers.
type Timer struct {
	Active, Inactive bool          // the levels that it can go to for a width
	Step, Longest    time.Duration // widths are whole steps
}

// Fit gives the width that a board keeps for a wish, rounded up to a whole
// step; ok is false when it cannot time that.
func (t Timer) Fit(active bool, width time.Duration) (kept time.Duration, ok bool) {
	can := t.Inactive
	if active {
		can = t.Active
	}
	if !can || width <= 0 || width > t.Longest {
		return 0, false
	}
	return (width + t.Step - 1) / t.Step * t.Step, true
}

// families are all that are served, in the order of design.md section 3.
var families = []Family{lcus, lcusFeedback, kmtronic, numato, denkovi16, devantech, conrad, k8090, waveshare, lctech, eletechsup, c0135, modbusGeneric}

// Families are all families, in the order of design.md section 3.
func Families() []Family { return slices.Clone(families) }

// Find gives the family of a driver name; the error lists the names.
func Find(driver string) (Family, error) {
	var names []string
	for _, f := range families {
		if f.Name == driver {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Family{}, fmt.Errorf("board driver %q: want %s", driver, strings.Join(names, ", "))
}

// check holds a board against its family.
func (f Family) check(s Spec) error {
	switch {
	case f.Sizes == nil && (s.Channels < 1 || s.Channels > MostChannels):
		return fmt.Errorf("channels %d: want 1 to %d", s.Channels, MostChannels)
	case f.Sizes != nil && !slices.Contains(f.Sizes, s.Channels):
		return fmt.Errorf("channels %d: want one of %d", s.Channels, f.Sizes)
	case f.Unit != 0 && (s.Unit < 1 || s.Unit > 255):
		return fmt.Errorf("unit %d: want 1 to 255", s.Unit)
	case f.Map:
		return s.Map.check(s.Channels)
	}
	return nil
}
