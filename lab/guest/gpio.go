package guest

import (
	"fmt"
	"time"

	"longarm/lab/wire"
)

// Pull moves a simulated input: what a switch, a sensor or a power-fail comparator wired to
// the pin would do. A line is named, or "LABEL:OFFSET" by its chip's label. It returns the
// guest's monotonic clock just before.
//
// A simulated line that its owner lets go, or dies over, falls back to its pull, like a
// relay with a resistor; a request with a bias writes the pull too.
func (g *Guest) Pull(line string, v int) (time.Duration, error) {
	r, err := g.Do(wire.Request{Op: "pull", Line: line, Val: v})
	return time.Duration(r.NS), err
}

// Value reads a pin, inputs and outputs alike.
func (g *Guest) Value(line string) (int, error) {
	r, err := g.Do(wire.Request{Op: "value", Line: line})
	return r.Code, err
}

// WaitValue waits until a pin has a value, and returns the guest's monotonic clock then. It
// looks twice a millisecond; for exact times see TraceOutputs.
func (g *Guest) WaitValue(line string, v int, limit time.Duration) (time.Duration, error) {
	r, err := g.Do(wire.Request{Op: "waitvalue", Line: line, Val: v, MS: int(limit.Milliseconds())})
	return time.Duration(r.NS), err
}

// setPulls sets the pulls of a chip's lines.
func (g *Guest) setPulls(label string, pulls map[int]int) error {
	for offset, v := range pulls {
		if _, err := g.Pull(fmt.Sprintf("%s:%d", label, offset), v); err != nil {
			return err
		}
	}
	return nil
}
