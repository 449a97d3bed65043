package field

import (
	"fmt"
	"strings"
)

// Expander is a second simulated chip with eight lines, labelled "expander", that comes
// and goes as one on a USB cable does.
type Expander struct{ b *Box }

const expander = "/sys/kernel/config/gpio-sim/expander"

// Expander makes the chip and plugs it in.
func (b *Box) Expander() Expander {
	b.t.Helper()
	b.Sh("mkdir -p " + expander + "/bank0; cd " + expander + "/bank0; echo 8 > num_lines; echo expander > label")
	e := Expander{b}
	e.Plug()
	return e
}

// Plug puts the chip in, all lines inputs, pulled down.
func (e Expander) Plug() {
	e.b.t.Helper()
	e.b.Sh("cd " + expander + "; echo 1 > live; udevadm settle; d=/dev/$(cat bank0/chip_name); chgrp gpio $d; chmod 660 $d")
}

// Unplug takes the chip away, whoever uses it.
func (e Expander) Unplug() { e.b.t.Helper(); e.b.Sh("echo 0 > " + expander + "/live") }

// Pull moves an input of the chip from outside.
func (e Expander) Pull(offset, v int) {
	e.b.t.Helper()
	pull := map[int]string{0: "pull-down", 1: "pull-up"}[v]
	e.b.Sh(fmt.Sprintf("cd %s; echo %s > /sys/devices/platform/$(cat dev_name)/$(cat bank0/chip_name)/sim_gpio%d/pull", expander, pull, offset))
}

// Busy is the share of a processor, 0 to 1, that the agent used over a span of the guest's
// own time. It blocks for that span.
func (b *Box) Busy(seconds int) float64 {
	b.t.Helper()
	stat := "cut -d ' ' -f 14,15 /proc/" + b.Prop("MainPID") + "/stat; cut -d ' ' -f 1 /proc/uptime"
	var u0, s0, u1, s1, t0, t1 float64
	text := strings.Fields(b.Sh(fmt.Sprintf("%s; sleep %d; %s", stat, seconds, stat)))
	if _, err := fmt.Sscan(strings.Join(text, " "), &u0, &s0, &t0, &u1, &s1, &t1); err != nil {
		b.t.Fatalf("processor time %q: %v", text, err)
	}
	const tick = 100 // USER_HZ on every ARM kernel
	return (u1 + s1 - u0 - s0) / tick / (t1 - t0)
}
