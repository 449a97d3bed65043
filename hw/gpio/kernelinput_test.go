package gpio

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What only the kernel can show of inputs, beside the conformance suite.

// told is one call of Edge, or of Gone.
type told struct {
	active bool
	at     time.Duration
	gone   error
	isGone bool // it was Gone
}

// watched opens a line and gives what Edge and Gone are told.
func watched(t *testing.T, c *simChip, line string, o InputOptions) (*Input, chan told) {
	t.Helper()
	ch := make(chan told, 1024)
	o.Edge = func(active bool, at time.Duration) { ch <- told{active: active, at: at} }
	o.Gone = func(err error) { ch <- told{gone: err, isGone: true} }
	in, err := OpenInput(c.label, line, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in, ch
}

func await(t *testing.T, ch chan told) told {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		t.Fatal("nothing was told")
		return told{}
	}
}

func awaitEdge(t *testing.T, ch chan told, want bool) told {
	t.Helper()
	e := await(t, ch)
	if e.isGone || e.active != want {
		t.Fatalf("told %+v, want an edge to %s", e, word(want))
	}
	return e
}

// pass lets a span of real time go by, because the span is what is measured.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// cpuTime is the processor time of this process so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func TestInputBias(t *testing.T) {
	for _, w := range []struct {
		bias   string
		before bool // the pull that the line has
		want   bool // high, as the line is pulled then
	}{
		{"", false, false}, {"", true, true}, {"as-is", false, false}, {"as-is", true, true},
		{"pull-up", false, true}, {"pull-down", true, false}, {"disabled", true, true},
	} {
		c := newSimChip(t, "a")
		c.pull(t, 0, w.before)
		in, _ := watched(t, c, "a", InputOptions{Bias: w.bias})
		pulled := map[bool]string{true: "pull-up", false: "pull-down"}[w.want]
		if got := c.pulled(t, 0); got != pulled {
			t.Errorf("bias %q over %v: pull = %s, want %s", w.bias, w.before, got, pulled)
		}
		if active, err := in.Active(); err != nil || active != w.want {
			t.Errorf("bias %q over %v: Active = %v, %v; want %v", w.bias, w.before, active, err, w.want)
		}
	}
}

func TestActiveLowInput(t *testing.T) {
	c := newSimChip(t, "a")
	in, ch := watched(t, c, "a", InputOptions{ActiveLow: true, Bias: "pull-up"})
	for _, high := range []bool{false, true, false} {
		c.pull(t, 0, high)
		awaitEdge(t, ch, !high)
		if active, err := in.Active(); err != nil || active == high {
			t.Errorf("high = %v: Active = %v, %v; want %v", high, active, err, !high)
		}
	}
}

func TestDebounce(t *testing.T) {
	c := newSimChip(t, "a")
	_, ch := watched(t, c, "a", InputOptions{Debounce: 400 * time.Millisecond})
	for i := range 9 { // bounces, ending high
		c.pull(t, 0, i%2 == 0)
	}
	awaitEdge(t, ch, true)
	c.pull(t, 0, false)
	awaitEdge(t, ch, false)
	if len(ch) != 0 {
		t.Errorf("%d edges too many: the bounces came through", len(ch))
	}
}

// Bursts come faster than they are told, and none is lost, doubled or out of order.
func TestEdgesInSequence(t *testing.T) {
	c := newSimChip(t, "a")
	_, ch := watched(t, c, "a", InputOptions{})
	last := time.Duration(0)
	for range 20 {
		for i := range 10 {
			c.pull(t, 0, i%2 == 0)
		}
		for i := range 10 {
			if e := awaitEdge(t, ch, i%2 == 0); e.at <= last {
				t.Fatalf("edge at %v, not after %v", e.at, last)
			} else {
				last = e.at
			}
		}
	}
	if len(ch) != 0 {
		t.Errorf("%d edges too many", len(ch))
	}
}

// The kernel keeps 16 events; the sequence shows the gap, and then the level counts.
func TestOverflowRereads(t *testing.T) {
	c := newSimChip(t, "a")
	edges, busy, hold := make(chan bool, 256), make(chan struct{}), make(chan struct{})
	first := true
	in, err := OpenInput(c.label, "a", InputOptions{Edge: func(active bool, _ time.Duration) {
		edges <- active
		if first {
			first = false
			close(busy)
			<-hold
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c.pull(t, 0, true)
	<-busy
	for i := range 100 { // the oldest that is kept is a falling edge; ends high
		c.pull(t, 0, i%2 == 1)
	}
	close(hold)
	got := []bool{}
	for range 17 {
		select {
		case active := <-edges:
			got = append(got, active)
		case <-time.After(10 * time.Second):
			t.Fatalf("only %d events", len(got))
		}
	}
	if !got[1] {
		t.Error("after the gap the event was believed, want the level")
	}
	if active, err := in.Active(); err != nil || !active || !got[16] {
		t.Errorf("told %v, Active = %v, %v; want active at the end", got, active, err)
	}
}

// Active from Edge is what the power-fail line does; it must neither wait nor spin when
// the chip goes at that moment.
func TestActiveFromEdge(t *testing.T) {
	c := newSimChip(t, "a")
	levels, ready := make(chan error, 16), make(chan *Input, 1)
	in, err := OpenInput(c.label, "a", InputOptions{Edge: func(active bool, _ time.Duration) {
		in := <-ready
		if active {
			c.unplug(t)
		}
		_, err := in.Active()
		levels <- err
	}})
	if err != nil {
		t.Fatal(err)
	}
	ready <- in
	c.pull(t, 0, true)
	select {
	case err := <-levels:
		if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrGone) {
			t.Errorf("Active from Edge of a removed chip = %v, want ErrNotFound or ErrGone", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Active from Edge does not return")
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	c.live(t)
}

// A removed chip is told within the bound, costs no processor time while it is away, and
// its level is told when it is back.
func TestRemovedInputIsTold(t *testing.T) {
	c := newSimChip(t, "a")
	_, ch := watched(t, c, "a", InputOptions{})
	began, used := time.Now(), cpuTime(t)
	c.unplug(t)
	e := await(t, ch)
	took := time.Since(began)
	if !e.isGone || !errors.Is(e.gone, ErrGone) {
		t.Fatalf("told %+v, want ErrGone", e)
	}
	if limit := lookEvery + lookEvery/2; took > limit {
		t.Errorf("told after %v, want at most %v", took, limit)
	}
	pass(t, 2*time.Second)
	used, away := cpuTime(t)-used, time.Since(began)
	t.Logf("figure: removed chip told after %v, %.1f %% of a processor while away", took.Round(time.Millisecond), 100*used.Seconds()/away.Seconds())
	if used > away/4 {
		t.Errorf("used %v of processor time in %v: it spins", used, away)
	}
	c.live(t)
	c.pull(t, 0, true)
	if e := await(t, ch); !e.isGone || e.gone != nil {
		t.Fatalf("told %+v, want that the line is back", e)
	}
	awaitEdge(t, ch, true)
	c.pull(t, 0, false)
	awaitEdge(t, ch, false)
}

// Whoever reads the level notices too, and finds the chip again.
func TestChipComesAndGoes(t *testing.T) {
	for _, o := range []InputOptions{{}, {Edge: func(bool, time.Duration) {}}} {
		c := newSimChip(t, "a")
		in, err := OpenInput(c.label, "a", o)
		if err != nil {
			t.Fatal(err)
		}
		c.unplug(t)
		if _, err := in.Active(); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrGone) {
			t.Errorf("Active of a removed chip = %v, want ErrNotFound or ErrGone", err)
		}
		c.live(t)
		for _, high := range []bool{false, true} {
			c.pull(t, 0, high)
			if active, err := in.Active(); err != nil || active != high {
				t.Errorf("Active of %s after return = %v, %v; want %v", in.Info(), active, err, high)
			}
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
