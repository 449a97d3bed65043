package field

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longarm/lab/guest"
	"longarm/lab/wire"
)

// Trace starts the guest kernel's record of what happens to the lines of the simulated
// chips and to processes: levels that drivers set, lines that were let go (a simulated
// chip then drops them to their pull without setting anything), SIGKILLs. All times are of
// the guest's CLOCK_MONOTONIC.
func (b *Box) Trace() {
	b.t.Helper()
	if err := b.TraceOutputs(); err != nil {
		b.t.Fatalf("trace: %v", err)
	}
	b.Sh(`cd /sys/kernel/tracing
grep -q freed kprobe_events || echo 'p:lab/freed gpio_sim:gpio_sim_free line=` + secondArgument(b.Arch) + `:u32' >> kprobe_events
echo 1 > events/lab/freed/enable
echo 'sig == 9' > events/signal/signal_generate/filter
echo 1 > events/signal/signal_generate/enable`)
}

// secondArgument is the register that carries it.
func secondArgument(arch string) string {
	if arch == "arm" {
		return "%r1"
	}
	return "%x1"
}

// Moves are the changes of a line of the first chip since Trace, oldest first. from is the
// level that it had then: setting a line to the level that it has leaves a record, and is
// no move.
func (b *Box) Moves(offset, from int) []guest.Edge {
	b.t.Helper()
	var moves []guest.Edge
	for _, e := range b.Edges(offset) {
		if e.Val != from {
			moves = append(moves, e)
		}
		from = e.Val
	}
	return moves
}

// Freed are the times at which a line of a chip was let go, which moves it to its pull.
func (b *Box) Freed(offset int) []time.Duration {
	b.t.Helper()
	return b.events("freed", fmt.Sprintf("line=%d", offset))
}

// Killed are the times at which a process of that name was sent SIGKILL.
func (b *Box) Killed(comm string) []time.Duration {
	b.t.Helper()
	return b.events("signal_generate", "comm="+comm[:min(len(comm), 15)]) // the kernel keeps 15 characters
}

// Still fails the test if a line of the first chip moved or was let go since Trace, and
// if it is not at that level now.
func (b *Box) Still(line string, offset, level int) {
	b.t.Helper()
	if moves := b.Moves(offset, level); len(moves) > 0 {
		b.t.Errorf("%s moved, want it still at %d: %v", line, level, moves)
	}
	if freed := b.Freed(offset); len(freed) > 0 {
		b.t.Errorf("%s was let go at %v, want it held throughout", line, freed)
	}
	if v, err := b.Value(line); err != nil || v != level {
		b.t.Errorf("%s is at %d, %v; want %d", line, v, err, level)
	}
}

// events are the times of one kind of record that say want, a whole word.
func (b *Box) events(kind, want string) []time.Duration {
	b.t.Helper()
	var at []time.Duration
	for line := range strings.Lines(b.Sh("cat /sys/kernel/tracing/trace")) {
		head, event, ok := strings.Cut(strings.TrimSpace(line), ": "+kind+": ")
		if !ok || !slices.Contains(strings.Fields(event), want) {
			continue
		}
		when, err := stamp(head)
		if err != nil {
			b.t.Fatalf("trace: %q: %v", line, err)
		}
		at = append(at, when)
	}
	return at
}

// Now is the guest's CLOCK_MONOTONIC.
func (b *Box) Now() time.Duration {
	b.t.Helper()
	r, err := b.Guest.Do(wire.Request{Op: "hello"})
	if err != nil {
		b.t.Fatalf("clock: %v", err)
	}
	return time.Duration(r.NS)
}

// Stamp is one of the unit's times (ActiveEnter, ExecMainStart, ExecMainExit, …) on the
// guest's CLOCK_MONOTONIC.
func (b *Box) Stamp(name string) time.Duration {
	b.t.Helper()
	var us int64
	if _, err := fmt.Sscan(b.Prop(name+"TimestampMonotonic"), &us); err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return time.Duration(us) * time.Microsecond
}
