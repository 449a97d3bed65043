package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const benchHelp = `bench -agent PATH [-idle 5m] [-runs N] [-boards]

Measures what Longarm promises, on this machine's loopback with real TLS and the
real agent, and prints promise, bar, figure and verdict. Ends with 1 when a bar is
missed. Each side of a measurement is a process of its own, and what is compared is
measured in turns in one run. A second table shows how each family of serial relay
boards is spoken to. make bench builds what it needs first.

  longarm bench -agent bin/longarm-agent
  longarm bench -agent bin/longarm-agent -idle 0 -runs 50     a quick look
  longarm bench -agent bin/longarm-agent -into docs/benchmarks.md
  longarm bench -agent bin/longarm-agent -boards                 the second table alone

The idle agent is measured in a network namespace of its own, while the rest runs.
`

// leastRuns is what a 99th percentile may be taken of at all.
const leastRuns = 20

// benchmark is one run of bench.
type benchmark struct {
	c     command
	self  string // this program; the other end of what is measured
	agent string
	dist  string // the stripped agents for other machines
	dir   string // work folder; its disk is the one that the journal waits for
	idle  time.Duration
	runs  int

	boards bool // only their table
}

func bench(ctx context.Context, c command) int {
	b := benchmark{c: c}
	f := c.newFlags("bench", benchHelp)
	f.StringVar(&b.agent, "agent", "", "the longarm-agent to measure, `PATH`")
	f.StringVar(&b.dist, "dist", "dist", "look for stripped agents in `DIR`")
	dir := f.String("dir", "", "work in a new folder below `DIR`, on the disk whose fsync counts;\nwithout one it is the agent's own")
	into := f.String("into", "", "write the table into `FILE` too, between its two marks")
	f.DurationVar(&b.idle, "idle", 5*time.Minute, "how long the idle agent is watched; 0 leaves that out")
	f.IntVar(&b.runs, "runs", 300, "how often each latency is measured, `N`; on a board's wire a tenth of it, but no less than 20 times")
	f.BoolVar(&b.boards, "boards", false, "measure only the way to the boards' wires")
	role := f.String("as", "", "a `ROLE` of bench's own child processes")
	words, code, done := f.parse(0, -1)
	switch {
	case done:
		return code
	case *role != "":
		return c.benchRole(ctx, *role, words)
	case len(words) > 0:
		return f.wrong("what is %q for?", words[0])
	case b.agent == "":
		return f.wrong("which agent? -agent bin/longarm-agent")
	case b.runs < leastRuns:
		return f.wrong("-runs must be %d or more, got %d", leastRuns, b.runs)
	case b.idle < 0:
		return f.wrong("-idle must not be negative, got %v", b.idle)
	}
	t, wires, err := b.inFolder(ctx, *dir)
	if err == nil && *into != "" && !b.boards {
		err = t.writeInto(*into)
	}
	if err == nil && *into != "" {
		err = wires.writeInto(*into)
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "longarm bench: %v\n", err)
		return exitError
	}
	if t.missed() {
		return exitError
	}
	return exitDone
}

// inFolder makes the work folder, measures, prints and cleans up.
func (b *benchmark) inFolder(ctx context.Context, dir string) (t table, wires wireTable, err error) {
	if dir == "" {
		dir = filepath.Dir(b.agent)
	}
	if b.self, err = os.Executable(); err != nil {
		return t, wires, fmt.Errorf("find this program: %w", err)
	}
	if b.agent, err = filepath.Abs(b.agent); err != nil {
		return t, wires, fmt.Errorf("find the agent: %w", err)
	}
	if _, err := os.Stat(b.agent); err != nil {
		return t, wires, fmt.Errorf("find the agent (make build makes it): %w", err)
	}
	if b.dir, err = os.MkdirTemp(dir, "longarm-bench-"); err != nil {
		return t, wires, fmt.Errorf("make the work folder: %w", err)
	}
	defer os.RemoveAll(b.dir)
	wires.machine = machine(b.dir)
	if b.boards {
		err = b.wires(ctx, &wires)
	} else {
		t, err = b.measure(ctx, &wires)
	}
	if err != nil {
		return t, wires, err
	}
	if !b.boards {
		t.print(b.c.stdout)
	}
	wires.print(b.c.stdout)
	return t, wires, nil
}

// measure runs all measurements; the idle one goes on beside the others, since
// it does next to nothing.
func (b *benchmark) measure(ctx context.Context, wires *wireTable) (table, error) {
	t := table{machine: machine(b.dir)}
	if err := b.sizes(&t); err != nil {
		return t, err
	}
	watch, err := b.startIdle(ctx)
	if err != nil {
		return t, err
	}
	defer watch.stop()
	for _, part := range []struct {
		name string
		run  func(context.Context, *table) error
	}{
		{"reply to decoded call", b.decoding},
		{"reply to edge, power-fail to sign-off", b.boxed},
		{"reply to the boards' wires", func(ctx context.Context, _ *table) error { return b.wires(ctx, wires) }},
		{"idle agent", func(ctx context.Context, t *table) error { return b.idleRows(ctx, watch, t) }},
	} {
		fmt.Fprintf(b.c.stderr, "measuring: %s\n", part.name)
		if err := part.run(ctx, &t); err != nil {
			return t, fmt.Errorf("measure %s: %w", part.name, err)
		}
	}
	return t, nil
}

// rest waits for d, or less when ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
