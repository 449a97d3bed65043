package hwtest

import (
	"context"
	"testing"
	"time"
)

// Input is what every input can do.
type Input interface {
	Active() (bool, error)
	Close() error
}

// InputRig opens inputs and moves them from outside.
type InputRig interface {
	// Open opens the line of that name, which lies at its inactive level.
	Open(name string, edge func(active bool, at time.Duration)) (Input, error)
	// Move sets the line's level from outside.
	Move(t *testing.T, name string, active bool)
}

// patience bounds a wait for an edge that must come; only a failing test uses it up.
const patience = 10 * time.Second

// Inputs runs the suite; each test works on a fresh rig with the lines "a" to "h".
func Inputs(t *testing.T, rig func(t *testing.T) InputRig) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, r InputRig)
	}{
		{"edges come in order with rising time", edgesInOrder},
		{"level follows", levelFollows},
		{"no change is no edge", noChange},
		{"lines are apart", inputsApart},
		{"eight lines move at once", eightInputs},
		{"without a callback the level is there", noCallback},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, rig(t)) })
	}
}

type seen struct {
	active bool
	at     time.Duration
}

// watch gives a callback and the channel that it feeds, deep enough never to block it.
func watch() (func(bool, time.Duration), chan seen) {
	ch := make(chan seen, 1024)
	return func(active bool, at time.Duration) { ch <- seen{active, at} }, ch
}

func edgesInOrder(t *testing.T, r InputRig) {
	edge, ch := watch()
	openInput(t, r, "a", edge)
	last := time.Duration(0)
	for i := range 20 {
		r.Move(t, "a", i%2 == 0)
		e := next(t, ch)
		if e.active != (i%2 == 0) {
			t.Fatalf("edge %d = %v, want %v", i, e.active, i%2 == 0)
		}
		if e.at <= last {
			t.Fatalf("edge %d at %v, not after %v", i, e.at, last)
		}
		last = e.at
	}
}

func levelFollows(t *testing.T, r InputRig) {
	edge, ch := watch()
	in := openInput(t, r, "a", edge)
	wantActive(t, in, false)
	for _, active := range []bool{true, false} {
		r.Move(t, "a", active)
		next(t, ch)
		wantActive(t, in, active)
	}
}

func noChange(t *testing.T, r InputRig) {
	edge, ch := watch()
	openInput(t, r, "a", edge)
	for _, active := range []bool{false, true, true, true, false} {
		r.Move(t, "a", active)
	}
	if up, down := next(t, ch), next(t, ch); !up.active || down.active {
		t.Errorf("edges = %v, %v; want true, false", up.active, down.active)
	}
}

func inputsApart(t *testing.T, r InputRig) {
	edgeA, chA := watch()
	edgeB, chB := watch()
	a, b := openInput(t, r, "a", edgeA), openInput(t, r, "b", edgeB)
	r.Move(t, "a", true)
	next(t, chA)
	wantActive(t, a, true)
	wantActive(t, b, false)
	r.Move(t, "b", true)
	next(t, chB)
	if len(chA) != 0 {
		t.Errorf("b moved and a told %d edges", len(chA))
	}
}

// eightInputs moves all lines in turn, each another number of times.
func eightInputs(t *testing.T, r InputRig) {
	told := map[string]chan seen{}
	for _, name := range lines {
		edge, ch := watch()
		openInput(t, r, name, edge)
		told[name] = ch
	}
	const moves = 6 // and one more for each further line: fewer than the kernel keeps
	for m := range moves + len(lines) {
		for i, name := range lines {
			if m < moves+i {
				r.Move(t, name, m%2 == 0)
			}
		}
	}
	for i, name := range lines {
		for m := range moves + i {
			if e := next(t, told[name]); e.active != (m%2 == 0) {
				t.Fatalf("edge %d of %s = %v, want %v", m, name, e.active, m%2 == 0)
			}
		}
		if n := len(told[name]); n != 0 {
			t.Errorf("%s told %d edges too many", name, n)
		}
	}
}

func noCallback(t *testing.T, r InputRig) {
	in := openInput(t, r, "a", nil)
	wantActive(t, in, false)
	r.Move(t, "a", true)
	wantActive(t, in, true)
}

func openInput(t *testing.T, r InputRig, name string, edge func(bool, time.Duration)) Input {
	t.Helper()
	in, err := r.Open(name, edge)
	if err != nil {
		t.Fatalf("Open %s: %v", name, err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in
}

func next(t *testing.T, ch chan seen) seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case e := <-ch:
		return e
	case <-ctx.Done():
		t.Fatalf("no edge within %v", patience)
		return seen{}
	}
}

func wantActive(t *testing.T, in Input, want bool) {
	t.Helper()
	if got, err := in.Active(); err != nil || got != want {
		t.Errorf("Active = %v, %v; want %v", got, err, want)
	}
}
