package guest

import (
	"fmt"
	"time"

	"longarm/lab/wire"
)

// Edge is what an output was set to.
type Edge struct {
	At  time.Duration // on the guest's CLOCK_MONOTONIC
	Val int
}

// TraceOutputs starts recording what drivers set outputs to, by the kernel's own trace
// points (kernel documentation, trace/ftrace.rst), and forgets what was recorded: exact
// times, however slow the host is. An output that is set to the level it has leaves a
// record too; one that is let go and so falls back to its pull leaves none.
func (g *Guest) TraceOutputs() error {
	if _, err := g.Do(wire.Request{Op: "trace"}); err != nil {
		return fmt.Errorf("trace outputs: %w", err)
	}
	return nil
}

// OutputEdges returns what was recorded for one line of the first simulated chip, oldest
// first. That nothing was being recorded, or that records were lost, is an error.
func (g *Guest) OutputEdges(offset int) ([]Edge, error) { return g.Edges(g.label, offset) }

// Edges is OutputEdges for a line of the chip with that label.
func (g *Guest) Edges(label string, offset int) ([]Edge, error) {
	// One program, so that all is of one moment. The records name lines by the kernel's
	// global numbers, which the chips' bases lead to.
	out, code, err := g.Run("/bin/sh", "-c", "cat /sys/kernel/tracing/events/gpio/gpio_value/enable; "+
		"grep . /sys/class/gpio/gpiochip*/label /sys/class/gpio/gpiochip*/base; cat /sys/kernel/tracing/trace")
	if err == nil && code != 0 {
		err = fmt.Errorf("%s", out)
	}
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	tr, err := parseTrace(out)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return tr.edges(label, offset)
}
