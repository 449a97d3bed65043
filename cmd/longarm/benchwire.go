package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"longarm/device/board"
	"longarm/hw/clock"
)

const (
	wireChannels = 4  // of a board, or the next size that there is
	wireWarmUp   = 3  // rounds that are not counted; the first call of each board greets it
	wireShare    = 10 // a round takes seconds: one for so many runs
	mapOfWire    = "map = { function = 6, on = 1, off = 0, read = 3 }\n"
)

// wired is a simulated board of a family behind a pty, and what passed there.
type wired struct {
	*demoBoard

	mu     sync.Mutex
	now    exchanged
	times  []time.Duration          // from the reply's bytes to the first byte here
	beside map[string]time.Duration // calls of the line that were made in turns with these, and when
	all    []exchanged              // for on
}

// exchanged is what passed on a wire for one call and its proof.
type exchanged struct {
	first           time.Duration // CLOCK_MONOTONIC; 0 = nothing passed
	frames, out, in int           // to the board, and bytes from it
}

// wires measures from the bytes of a reply to the first byte at the pty of a
// board, for each family, and the same to the edge of a simulated line, in turns.
func (b *benchmark) wires(ctx context.Context, t *wireTable) (err error) {
	r, err := newRig(ctx, filepath.Join(b.dir, "wires"))
	if err != nil {
		return err
	}
	defer r.close()
	var all []*wired
	var config strings.Builder
	defer func() {
		for _, w := range all {
			w.close()
		}
	}()
	for _, f := range board.Families() {
		w, err := wire(f)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			t.notes = append(t.notes, fmt.Sprintf("Wires: left out, %v.", err))
			return nil
		}
		if err != nil {
			return err
		}
		all = append(all, w)
		config.WriteString(w.config())
	}
	x, err := b.startBox(ctx, r, config.String())
	if err != nil {
		return err
	}
	defer x.close()
	return x.wires(ctx, all, max(b.runs/wireShare, leastRuns), t)
}

// wire puts a board of the family behind a pty. Its output has the driver's name.
func wire(f board.Family) (*wired, error) {
	plan := boardPlan{name: f.Name, driver: f.Name, channels: wireChannels, channel: 1, unit: f.Unit, output: f.Name}
	if f.Sizes != nil {
		plan.channels = f.Sizes[len(f.Sizes)-1]
		if i := slices.IndexFunc(f.Sizes, func(n int) bool { return n >= wireChannels }); i >= 0 {
			plan.channels = f.Sizes[i]
		}
	}
	if f.Map {
		plan.speaks = mapOfWire
	}
	w := &wired{beside: map[string]time.Duration{}}
	var err error
	w.demoBoard, err = openBoard(plan, nil, w.saw)
	return w, err
}

// saw takes what passes. The agent waits between two frames, so each read is one.
func (w *wired) saw(toBoard bool, p []byte) {
	at := clock.Monotonic()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !toBoard {
		w.now.in += len(p)
		return
	}
	if w.now.first == 0 {
		w.now.first = at
	}
	w.now.frames++
	w.now.out += len(p)
}

// take gives what passed since the last time.
func (w *wired) take() exchanged {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.now
	w.now = exchanged{}
	return e
}

// wires does the rounds: all boards on, then all off, so that none still keeps
// a gap; the simulated line beside each, and who is first changes.
func (x *benchBox) wires(ctx context.Context, all []*wired, rounds int, t *wireTable) error {
	for i := range 2 * (wireWarmUp + rounds) {
		load, counts := []string{"on", "off"}[i%2], i >= 2*wireWarmUp
		for k := range all {
			w := all[(i/2+k)%len(all)]
			pair := []func() error{
				func() error { return x.wire(ctx, w, load, counts) },
				func() error { return x.line(ctx, w, counts) },
			}
			for j := range pair {
				if err := pair[(i/2+k+j)%2](); err != nil {
					return err
				}
			}
		}
	}
	edges, err := x.edges()
	if err != nil {
		return err
	}
	return t.tell(edges, all)
}

// line moves the simulated line to where it is not.
func (x *benchBox) line(ctx context.Context, w *wired, counts bool) error {
	load := "on"
	if x.on = !x.on; !x.on {
		load = "off"
	}
	id, at, err := x.say(ctx, "router "+load)
	if err == nil && counts {
		w.beside[id] = at
	}
	return err
}

// wire moves a board's relay.
func (x *benchBox) wire(ctx context.Context, w *wired, load string, counts bool) error {
	w.take()
	_, at, err := x.say(ctx, w.output+" "+load)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	e, active := w.take(), w.sim.Active(w.channel)
	if e.first == 0 || active != (load == "on") {
		return fmt.Errorf("%s %s: %d bytes came to the board, and its relay is active %t", w.name, load, e.out, active)
	}
	if counts {
		w.times = append(w.times, e.first-at)
	}
	if counts && load == "on" {
		w.all = append(w.all, e)
	}
	return nil
}

// say is do, after a pause.
func (x *benchBox) say(ctx context.Context, data string) (id string, at time.Duration, err error) {
	if err := rest(ctx, apart); err != nil {
		return "", 0, err
	}
	return x.do(ctx, data)
}
