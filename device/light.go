package device

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errOver says that the grip of a composed call ended a wait.
var errOver = errors.New("ended")

// steadyFor is how long a power LED must be steady to say on or off: one that
// blinks with about 1 Hz tells of a machine that sleeps (hardware.md 2.6).
const steadyFor = 3 * time.Second

// light is what a power LED says.
type light int

const (
	lightOn light = iota
	lightOff
	lightDoze // it blinks
	lightNone
)

func (l light) String() string { return [...]string{"on", "off", "sleeping", "unknown"}[l] }

// An input that changes again and again, such as the LED of a machine that
// sleeps, is told of now and then: each telling is a report over the network.
const (
	flutterAfter = 10 // changes in a row, less than steadyFor apart
	flutterEvery = 30 * time.Second
)

// spread tells others of a change; in.mu is held.
func (in *input) spread() {
	if in.since.Sub(in.before) < steadyFor {
		in.flutter++
	} else {
		in.flutter = 0
	}
	switch {
	case in.flutter < flutterAfter:
		in.box.signal()
	case !in.spreading:
		in.spreading = true
		time.AfterFunc(flutterEvery, func() {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.spreading = false
			in.box.signal()
		})
	}
}

// glance is an input as it has been lately.
type glance struct {
	active, known bool
	since, before time.Time     // of the last change, and the one before it
	changed       chan struct{} // closed at the next one
}

// glance looks without asking the hardware.
func (in *input) glance() glance {
	in.mu.Lock()
	defer in.mu.Unlock()
	return glance{active: in.active, known: in.known, since: in.since, before: in.before, changed: in.changed}
}

// blinks says that two changes lie within the time in which a steady light has none.
func (g glance) blinks(now time.Time) bool { return now.Sub(g.before) < steadyFor }

// steady says that the last change, or the time from, is long enough ago.
func (g glance) steady(now, from time.Time) bool {
	return now.Sub(g.since) >= steadyFor && now.Sub(from) >= steadyFor
}

func (g glance) light() light {
	switch {
	case !g.known:
		return lightNone
	case g.active:
		return lightOn
	}
	return lightOff
}

// await waits for the next change, at most until t; an error: ctx or the grip ended.
func (g glance) await(ctx context.Context, over <-chan struct{}, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.changed:
	case <-over:
		return errOver
	case <-ctx.Done():
		return fmt.Errorf("ended: %w", context.Cause(ctx))
	}
	return nil
}

// watch waits until the light is steady, or known to blink: twice steadyFor at most.
func (in *input) watch(ctx context.Context, over <-chan struct{}) (light, error) {
	if err := in.ask(); err != nil {
		return lightNone, err
	}
	start := time.Now()
	for {
		g, now := in.glance(), time.Now()
		blinks := g.blinks(now)
		switch {
		case g.steady(now, time.Time{}):
			return g.light(), nil
		case blinks && now.Sub(start) >= steadyFor:
			return lightDoze, nil
		}
		until := g.since.Add(steadyFor)
		if blinks {
			until = minTime(until, start.Add(steadyFor))
		}
		if err := g.await(ctx, over, until); err != nil {
			return lightNone, err
		}
	}
}

// reach waits until the light has been steadily on, or off, since from: it must
// have begun to be so by the limit. ok is false when it did not.
func (in *input) reach(ctx context.Context, over <-chan struct{}, goal light, from time.Time, limit time.Duration) (last light, ok bool, err error) {
	deadline, asked := from.Add(limit), false
	for {
		g, now := in.glance(), time.Now()
		right, blinks := g.light() == goal, g.blinks(now)
		var until time.Time // zero: this is how it stands
		switch {
		case right && g.steady(now, from):
		case right && !(blinks && now.After(deadline)):
			until = latest(g.since, from).Add(steadyFor)
		case now.Before(deadline):
			until = deadline
		}
		switch {
		case !until.IsZero():
			err = g.await(ctx, over, until)
		case !asked: // an edge may have been lost: look again
			asked, err = true, in.ask()
		case right && g.steady(now, from):
			return g.light(), true, nil
		case blinks:
			return lightDoze, false, nil
		default:
			return g.light(), false, nil
		}
		if err != nil {
			return lightNone, false, err
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
