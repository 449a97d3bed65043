package field

import (
	"fmt"
	"strings"

	"longarm/lab/guest"
)

// Sets are the levels that were set on the lines of the first chip, by offset and oldest
// first, in a trace that was read as it came (TraceOutputs, then cat trace_pipe): what is
// left of a guest that was killed. base is Base of the same guest.
func Sets(trace string, base int) map[int][]guest.Edge {
	sets := map[int][]guest.Edge{}
	for line := range strings.Lines(trace) {
		head, event, ok := strings.Cut(line, ": gpio_value: ")
		var n, v int
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(event, "%d set %d", &n, &v); err != nil {
			continue
		}
		at, err := stamp(head)
		if err != nil {
			continue // cut off by the end
		}
		sets[n-base] = append(sets[n-base], guest.Edge{At: at, Val: v})
	}
	return sets
}

// Base is the kernel's number of the first line of the first chip.
func (b *Box) Base() int {
	b.t.Helper()
	var base int
	if _, err := fmt.Sscan(b.Sh("cat /sys/class/gpio/gpiochip*/base | head -n 1"), &base); err != nil {
		b.t.Fatalf("base of the first chip: %v", err)
	}
	return base
}
