// Package hwtest is the conformance suite of outputs and inputs: it takes a rig, which is
// one kind of hardware with a witness beside it, and checks that lines on it do what
// package device relies on. It runs over hw/sim everywhere and over the kernel's gpio-sim
// where there is one; it never waits for a fixed time.
package hwtest

import (
	"slices"
	"sync"
	"testing"
)

// Output is what every output can do.
type Output interface {
	Set(active bool, why string) (proof string, err error)
	Active() (active, known bool, err error)
	Adopted() bool
	Close() error
}

// OutputRig opens outputs and watches them from outside.
type OutputRig interface {
	// Open opens the line of that name; the first Open of a name finds an undriven line.
	Open(name string, keep, fresh bool) (Output, error)
	// Restart ends the process that holds o and leaves behind what outlives it.
	Restart(t *testing.T, o Output)
	// Edges is every change of level of the line that the witness saw, oldest first.
	Edges(t *testing.T, name string) []bool
	// Proof is what Set must answer on this hardware.
	Proof() string
}

// lines are the names that a rig must have.
var lines = []string{"a", "b", "c", "d", "e", "f", "g", "h"}

// Outputs runs the suite; each test works on a fresh rig with the lines "a" to "h".
func Outputs(t *testing.T, rig func(t *testing.T) OutputRig) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, r OutputRig)
	}{
		{"fresh line goes to the given level", freshLevel},
		{"set moves and proves", setMoves},
		{"same level is no edge", sameLevel},
		{"lines are apart", apart},
		{"eight lines move at once", eightOutputs},
		{"keep on an undriven line drives fresh", keepUndriven},
		{"restart with keep causes no edge", restartKeeps},
		{"restart without keep drives fresh", restartFresh},
		{"one line has one owner", oneOwner},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, rig(t)) })
	}
}

func freshLevel(t *testing.T, r OutputRig) {
	a, b := mustOpen(t, r, "a", false, true), mustOpen(t, r, "b", false, false)
	wantLevel(t, a, true)
	wantLevel(t, b, false)
	if a.Adopted() || b.Adopted() {
		t.Error("Adopted = true on a fresh line")
	}
	wantEdges(t, r, "a", true)
	wantEdges(t, r, "b")
}

func setMoves(t *testing.T, r OutputRig) {
	o := mustOpen(t, r, "a", false, false)
	for _, active := range []bool{true, false, true} {
		mustSet(t, r, o, active)
		wantLevel(t, o, active)
	}
	wantEdges(t, r, "a", true, false, true)
}

func sameLevel(t *testing.T, r OutputRig) {
	o := mustOpen(t, r, "a", false, false)
	for range 3 {
		mustSet(t, r, o, true)
	}
	wantEdges(t, r, "a", true)
}

func apart(t *testing.T, r OutputRig) {
	a, b := mustOpen(t, r, "a", false, false), mustOpen(t, r, "b", false, true)
	mustSet(t, r, a, true)
	mustSet(t, r, b, false)
	wantLevel(t, a, true)
	wantLevel(t, b, false)
	wantEdges(t, r, "a", true)
	wantEdges(t, r, "b", true, false)
}

// eightOutputs moves each line another number of times, all at the same time.
func eightOutputs(t *testing.T, r OutputRig) {
	var moving sync.WaitGroup
	want := map[string][]bool{}
	for i, name := range lines {
		o, levels := mustOpen(t, r, name, false, false), []bool{}
		for m := range 20 + i {
			levels = append(levels, m%2 == 0)
		}
		want[name] = levels
		moving.Go(func() {
			for _, active := range levels {
				if proof, err := o.Set(active, "test"); err != nil || proof != r.Proof() {
					t.Errorf("%s: Set(%v) = %q, %v; want %q", name, active, proof, err, r.Proof())
				}
			}
		})
	}
	moving.Wait()
	for _, name := range lines {
		wantEdges(t, r, name, want[name]...)
	}
}

func keepUndriven(t *testing.T, r OutputRig) {
	o := mustOpen(t, r, "a", true, true)
	if o.Adopted() {
		t.Error("Adopted = true on a line that nobody drove")
	}
	wantLevel(t, o, true)
}

func restartKeeps(t *testing.T, r OutputRig) {
	for _, active := range []bool{true, false} {
		name := map[bool]string{true: "a", false: "b"}[active]
		o := mustOpen(t, r, name, false, !active)
		mustSet(t, r, o, active)
		before := r.Edges(t, name)
		r.Restart(t, o)
		o = mustOpen(t, r, name, true, !active)
		if !o.Adopted() {
			t.Error("Adopted = false after a restart")
		}
		wantLevel(t, o, active)
		wantEdges(t, r, name, before...)
		mustSet(t, r, o, !active)
		wantEdges(t, r, name, append(before, !active)...)
	}
}

func restartFresh(t *testing.T, r OutputRig) {
	o := mustOpen(t, r, "a", false, true)
	r.Restart(t, o)
	o = mustOpen(t, r, "a", false, false)
	if o.Adopted() {
		t.Error("Adopted = true although the level was given")
	}
	wantLevel(t, o, false)
	wantEdges(t, r, "a", true, false)
}

func oneOwner(t *testing.T, r OutputRig) {
	first := mustOpen(t, r, "a", false, true)
	if second, err := r.Open("a", true, false); err == nil {
		t.Error("second Open succeeded, want an error")
		_ = second.Close()
	}
	wantLevel(t, first, true)
}

func mustOpen(t *testing.T, r OutputRig, name string, keep, fresh bool) Output {
	t.Helper()
	o, err := r.Open(name, keep, fresh)
	if err != nil {
		t.Fatalf("Open %s: %v", name, err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func mustSet(t *testing.T, r OutputRig, o Output, active bool) {
	t.Helper()
	proof, err := o.Set(active, "test")
	if err != nil || proof != r.Proof() {
		t.Fatalf("Set(%v) = %q, %v; want %q", active, proof, err, r.Proof())
	}
}

func wantLevel(t *testing.T, o Output, want bool) {
	t.Helper()
	got, known, err := o.Active()
	if err != nil || !known || got != want {
		t.Errorf("Active = %v, %v, %v; want %v, known", got, known, err, want)
	}
}

func wantEdges(t *testing.T, r OutputRig, name string, want ...bool) {
	t.Helper()
	if got := r.Edges(t, name); !slices.Equal(got, want) {
		t.Errorf("edges of %s = %v, want %v", name, got, want)
	}
}
