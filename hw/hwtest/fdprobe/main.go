// Command fdprobe holds one output line and keeps its descriptor in the service manager's
// store; it is started as a unit in a machine with GPIO, killed and started again, to see
// that the line never moves by itself. It is for tests and never shipped.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"longarm/hw/clock"
	"longarm/hw/gpio"
	"longarm/hw/systemd"
)

func main() {
	chip, line := flag.String("chip", "", "chip label"), flag.String("line", "", "line name or offset")
	low := flag.Bool("active-low", false, "active is the low level")
	drive := flag.Bool("drive", false, "drive the line active unless it was adopted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *chip, *line, *low, *drive); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, chip, line string, low, drive bool) error {
	n := systemd.New()
	stored := n.Stored()
	info, err := gpio.Describe(chip, line)
	if err != nil {
		return err
	}
	before := clock.Monotonic()
	out, err := gpio.OpenOutput(chip, line, gpio.OutputOptions{Consumer: "fdprobe", ActiveLow: low,
		Keep: true, Stored: stored[info.StoreName()]})
	if err != nil {
		return err
	}
	defer out.Close()
	active, _, err := out.Active()
	fmt.Fprintf(w, "t_us=%d stored=%d adopted=%v active=%v open_us=%d fault=%v err=%v\n", clock.Monotonic().Microseconds(),
		len(stored), out.Adopted(), active, (clock.Monotonic() - before).Microseconds(), out.StoredFault(), err)
	if err := n.Store(out.StoreName(), out.File()); err != nil {
		return err
	}
	if drive && !out.Adopted() {
		if _, err := out.Set(true, "probe"); err != nil {
			return err
		}
	}
	if err := n.Ready("holding " + out.StoreName()); err != nil {
		return err
	}
	return hold(ctx, n)
}

// hold feeds the watchdog until ctx ends.
func hold(ctx context.Context, n *systemd.Notifier) error {
	every, ok := n.WatchdogInterval()
	if !ok {
		every = time.Minute
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := n.Watchdog(); err != nil {
				return err
			}
		case <-ctx.Done():
			return n.Stopping("told to stop")
		}
	}
}
