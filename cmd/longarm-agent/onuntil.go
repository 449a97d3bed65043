package main

import (
	"strconv"
	"strings"
	"time"

	"longarm/hw/clock"
)

// onUntilFact is the journal's fact of a target's max_on: boot id and deadline in
// nanoseconds of CLOCK_BOOTTIME; "" when its load is off.
func onUntilFact(target string) string { return "on_until " + target }

// onUntil are the deadlines of max_on that an earlier run of this boot left.
func (p *plant) onUntil() map[string]time.Duration {
	until := map[string]time.Duration{}
	for _, o := range p.cfg.Device.Outputs {
		text, _ := p.journal.Get(onUntilFact(o.Name))
		boot, nanos, _ := strings.Cut(text, " ")
		n, err := strconv.ParseInt(nanos, 10, 64)
		if err == nil && boot == clock.BootID() {
			until[o.Name] = time.Duration(n)
		}
	}
	return until
}

// onUntilChanged keeps a deadline of max_on for the next start.
func (p *plant) onUntilChanged(target string, until time.Duration) {
	text := ""
	if until != 0 {
		text = clock.BootID() + " " + strconv.FormatInt(int64(until), 10)
	}
	if err := p.journal.Set(onUntilFact(target), text); err != nil {
		p.log.Warn("deadline of max_on not kept: it counts anew after a restart", "target", target, "err", err)
	}
}
