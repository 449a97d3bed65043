package main

import (
	"context"
	"fmt"
	"os"

	"longarm/agent/config"
	"longarm/hw/gpio"
	"longarm/hw/serial"
	"longarm/hw/sim"
	"longarm/push/client"
)

const checkHelp = `Validates the config, resolves every line and port, and prints where each target
was found, how it stands, what the start moves and the best proof that it can give;
then every fault and warning. Exit code 1 when there is a fault.

Nothing is requested or driven, no byte is sent. The kernel tells a line's direction,
not its level: an output is adopted as it is, an input is driven. What a crash left
is settled besides. With -sim no line is looked for.`

func check(_ context.Context, c command) int {
	var s settings
	words, code, done := c.parse("check", checkHelp, &s)
	if done {
		return code
	}
	if code, bad := c.noWords("check", words); bad {
		return code
	}
	k := checker{describe: gpio.Describe, port: serial.Check, taken: map[string]string{}}
	var faults []config.Fault
	var err error
	if k.cfg, faults, err = config.Load(s.config); err != nil {
		return fail(c.stderr, err)
	}
	if s.sim {
		if _, err := os.Stat(s.simTrace); err != nil {
			s.simTrace = "" // not made: nothing is left behind
		}
		if k.sim, err = sim.New(sim.Options{Trace: s.simTrace}); err != nil {
			return fail(c.stderr, err)
		}
	}
	k.bad = len(faults)
	for _, f := range faults {
		k.notes += "fault   " + f.Error() + "\n"
	}
	k.rows()
	for _, w := range k.cfg.Warnings {
		k.notes += "warning " + w.Error() + "\n"
	}
	fmt.Fprintf(c.stdout, "%s\n%s%s: ", k.table.String(), k.notes, s.config)
	if k.bad > 0 {
		fmt.Fprintf(c.stdout, "%d faults\n", k.bad)
		return exitError
	}
	fmt.Fprintln(c.stdout, "all right")
	return exitDone
}

func checkPush(cfg client.Config) error {
	c, err := client.New(cfg, client.Options{})
	if err != nil {
		return err
	}
	return c.Close()
}
