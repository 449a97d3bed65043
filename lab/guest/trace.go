package guest

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// trace is what the kernel recorded.
type trace struct {
	on     bool
	chips  map[string]*chip // by their folder in sysfs
	values []value
	lost   int
}

type chip struct {
	label string
	base  int
}

// value is "line number n was set to v".
type value struct {
	at   time.Duration
	n, v int
}

// parseTrace reads, in this order, the switch of the trace point, "FILE:CONTENTS" of every
// chip's label and base, and the trace itself.
func parseTrace(text string) (*trace, error) {
	t := &trace{chips: map[string]*chip{}}
	counted := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "1":
			t.on = true
		case strings.HasPrefix(line, "/sys/class/gpio/"):
			if err := t.chip(line); err != nil {
				return nil, err
			}
		case strings.HasPrefix(line, "# entries-in-buffer/entries-written:"):
			var kept, written int
			if _, err := fmt.Sscanf(line, "# entries-in-buffer/entries-written: %d/%d", &kept, &written); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			counted, t.lost = true, written-kept
		default:
			if err := t.record(line); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
	}
	switch {
	case !t.on:
		return nil, errors.New("nothing is being recorded: TraceOutputs or Options.Trace comes first")
	case !counted:
		return nil, errors.New("the kernel does not say how much it recorded")
	case t.lost > 0:
		return nil, fmt.Errorf("%d records were lost", t.lost)
	}
	return t, nil
}

// chip reads "/sys/class/gpio/gpiochip529/base:529".
func (t *trace) chip(line string) error {
	file, contents, _ := strings.Cut(line, ":")
	c := t.chips[path.Dir(file)]
	if c == nil {
		c = &chip{}
		t.chips[path.Dir(file)] = c
	}
	if path.Base(file) == "label" {
		c.label = contents
		return nil
	}
	n, err := strconv.Atoi(contents)
	if err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	c.base = n
	return nil
}

// record reads "longarm-agent-211 [000] d..1. 12.345678: gpio_value: 529 set 1" and passes
// over records of other kinds. "CPU:0 [LOST 7 EVENTS]" stands where records are missing.
func (t *trace) record(line string) error {
	if strings.Contains(line, "[LOST ") {
		t.lost++
	}
	head, event, ok := strings.Cut(line, ": gpio_value: ")
	if !ok {
		return nil
	}
	f := strings.Fields(event)
	if len(f) != 3 {
		return errors.New("want NUMBER set|get VALUE")
	}
	if f[1] != "set" {
		return nil
	}
	var v value
	var err [3]error
	v.n, err[0] = strconv.Atoi(f[0])
	v.v, err[1] = strconv.Atoi(f[2])
	v.at, err[2] = time.ParseDuration(head[strings.LastIndex(head, " ")+1:] + "s")
	t.values = append(t.values, v)
	return errors.Join(err[:]...)
}

// edges are those of one line.
func (t *trace) edges(label string, offset int) ([]Edge, error) {
	var found []*chip
	for _, c := range t.chips {
		if c.label == label {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d chips have the label %q", len(found), label)
	}
	var edges []Edge
	for _, v := range t.values {
		if v.n == found[0].base+offset {
			edges = append(edges, Edge{At: v.at, Val: v.v})
		}
	}
	return edges, nil
}
