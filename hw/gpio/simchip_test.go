package gpio

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

const (
	simRoot   = "/sys/kernel/config/gpio-sim"
	traceRoot = "/sys/kernel/tracing"
)

var chipCount atomic.Int32 // labels must differ within one test binary

// simChip is one chip of the kernel's gpio-sim with the trace points as witness.
type simChip struct {
	label, config, values, trace, dev string
	base                              int // global number of line 0, as the trace writes it
}

// newSimChip makes a chip whose lines are named as given, "" for a line without a name.
func newSimChip(t *testing.T, names ...string) *simChip {
	t.Helper()
	for _, need := range []string{simRoot, traceRoot + "/events/gpio/gpio_value"} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("needs root, the kernel's gpio-sim module, configfs and tracefs: no %s", need)
		}
	}
	c := &simChip{label: fmt.Sprintf("longarm-test-%d-%d", os.Getpid(), chipCount.Add(1))}
	c.config = filepath.Join(simRoot, c.label)
	bank := filepath.Join(c.config, "bank0")
	mkdir(t, c.config)
	mkdir(t, bank)
	write(t, bank+"/num_lines", strconv.Itoa(len(names)))
	write(t, bank+"/label", c.label)
	for i, n := range names {
		if n != "" {
			mkdir(t, fmt.Sprintf("%s/line%d", bank, i))
			write(t, fmt.Sprintf("%s/line%d/name", bank, i), n)
		}
	}
	t.Cleanup(func() { c.remove(t) })
	c.live(t)
	c.trace = filepath.Join(traceRoot, "instances", c.label)
	mkdir(t, c.trace)
	write(t, c.trace+"/events/gpio/gpio_value/enable", "1")
	return c
}

func (c *simChip) live(t *testing.T) {
	t.Helper()
	write(t, c.config+"/live", "1")
	chip := read(t, c.config+"/bank0/chip_name")
	c.dev = "/dev/" + chip
	c.values = filepath.Join("/sys/devices/platform", read(t, c.config+"/dev_name"), chip)
	all, _ := filepath.Glob("/sys/class/gpio/gpiochip*") // the pattern is good
	for _, d := range all {
		if read(t, d+"/label") == c.label {
			c.base, _ = strconv.Atoi(read(t, d+"/base"))
			return
		}
	}
	t.Fatalf("no /sys/class/gpio entry for %s", c.label)
}

// unplug takes the chip away, as an expander is unplugged; live brings it back.
func (c *simChip) unplug(t *testing.T) { write(t, c.config+"/live", "0") }

func (c *simChip) remove(t *testing.T) {
	c.unplug(t)
	lines, _ := filepath.Glob(c.config + "/bank0/line*") // the pattern is good
	for _, d := range append(lines, c.config+"/bank0", c.config, c.trace) {
		if d != "" {
			_ = os.Remove(d) // configfs and tracefs clean up what is left at reboot
		}
	}
}

// high is the level at the pin.
func (c *simChip) high(t *testing.T, offset int) bool {
	t.Helper()
	return read(t, fmt.Sprintf("%s/sim_gpio%d/value", c.values, offset)) == "1"
}

// pull moves an input from outside.
func (c *simChip) pull(t *testing.T, offset int, high bool) {
	t.Helper()
	write(t, fmt.Sprintf("%s/sim_gpio%d/pull", c.values, offset),
		map[bool]string{true: "pull-up", false: "pull-down"}[high])
}

func (c *simChip) pulled(t *testing.T, offset int) string {
	t.Helper()
	return read(t, fmt.Sprintf("%s/sim_gpio%d/pull", c.values, offset))
}

// edges is every change that was driven onto the pin, from the level start on.
func (c *simChip) edges(t *testing.T, offset int, start bool) (edges []bool) {
	t.Helper()
	level := start
	for l := range strings.Lines(read(t, c.trace+"/trace")) {
		_, event, ok := strings.Cut(l, ": gpio_value: ")
		var n, v int
		if _, err := fmt.Sscanf(event, "%d set %d", &n, &v); !ok || err != nil || n != c.base+offset {
			continue
		}
		if (v == 1) != level {
			level = v == 1
			edges = append(edges, level)
		}
	}
	return edges
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, value string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
