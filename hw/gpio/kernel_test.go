package gpio

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What only the kernel can show, beside the conformance suite.

func open(t *testing.T, c *simChip, line string, o OutputOptions) *Output {
	t.Helper()
	out, err := OpenOutput(c.label, line, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return out
}

func TestActiveLowOutput(t *testing.T) {
	c := newSimChip(t, "relay")
	c.pull(t, 0, true) // as an active-low board pulls it
	out := open(t, c, "relay", OutputOptions{ActiveLow: true, Fresh: false})
	if !c.high(t, 0) {
		t.Error("inactive line is low at the pin, want high")
	}
	if _, err := out.Set(true, ""); err != nil || c.high(t, 0) {
		t.Errorf("active line: %v, high at the pin = %v, want low", err, c.high(t, 0))
	}
	if got, want := c.edges(t, 0, true), []bool{false}; !slices.Equal(got, want) {
		t.Errorf("edges = %v, want %v", got, want)
	}
	if i, err := Describe(c.label, "relay"); err != nil || !i.ActiveLow || i.Direction != "output" {
		t.Errorf("Describe = %+v, %v; want an active-low output", i, err)
	}
}

// A changed active_low in the configuration must not move the pin of a kept line.
func TestStoredPolarityChanges(t *testing.T) {
	c := newSimChip(t, "relay")
	out := open(t, c, "relay", OutputOptions{Fresh: true})
	kept := dup(t, out.File())
	_ = out.Close()
	out = open(t, c, "relay", OutputOptions{ActiveLow: true, Keep: true, Fresh: true, Stored: kept})
	if active, _, err := out.Active(); err != nil || active || !out.Adopted() {
		t.Errorf("Active = %v, %v, Adopted = %v; want inactive, adopted", active, err, out.Adopted())
	}
	if got, want := c.edges(t, 0, false), []bool{true}; !slices.Equal(got, want) {
		t.Errorf("edges = %v, want %v", got, want)
	}
}

// A line that is an output, free, and not in any store: kept by reading it as-is.
func TestKeepsFreeOutput(t *testing.T) {
	for _, high := range []bool{false, true} {
		c := newSimChip(t, "relay")
		out := open(t, c, "relay", OutputOptions{Fresh: high})
		c.pull(t, 0, high) // gpio-sim returns a released line to its pull; a Pi keeps it
		_ = out.Close()
		if i, err := Describe(c.label, "relay"); err != nil || i.Direction != "output" || i.Used {
			t.Fatalf("Describe = %+v, %v; want a free output", i, err)
		}
		out = open(t, c, "relay", OutputOptions{Keep: true, Fresh: !high})
		if active, _, err := out.Active(); err != nil || active != high || !out.Adopted() {
			t.Errorf("Active = %v, %v, Adopted = %v; want %v, adopted", active, err, out.Adopted(), high)
		}
		if got := c.edges(t, 0, high); len(got) != 0 {
			t.Errorf("edges = %v, want none", got)
		}
		if _, err := out.Set(!high, ""); err != nil || c.high(t, 0) == high {
			t.Errorf("Set(%v): %v, high = %v", !high, err, c.high(t, 0))
		}
	}
}

// A pulled-up input reads 1: keeping that would close the relay.
func TestInputIsNotKept(t *testing.T) {
	c := newSimChip(t, "relay")
	c.pull(t, 0, true)
	out := open(t, c, "relay", OutputOptions{Keep: true, Fresh: false})
	if out.Adopted() || c.high(t, 0) {
		t.Errorf("Adopted = %v, high = %v; want neither", out.Adopted(), c.high(t, 0))
	}
}

func TestWrongStoredDescriptor(t *testing.T) {
	c := newSimChip(t, "a", "b")
	b := open(t, c, "b", OutputOptions{Fresh: true})
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Describe(c.label, "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		name   string
		stored *os.File
	}{
		{"another line under our name", dupAs(t, b.File(), a.StoreName())},
		{"another line", dup(t, b.File())},
		{"no line request", dupAs(t, null, a.StoreName())},
	} {
		out := open(t, c, "a", OutputOptions{Fresh: true, Stored: s.stored})
		if out.StoredFault() == nil || out.Adopted() {
			t.Errorf("%s: StoredFault = %v, Adopted = %v; want a fault", s.name, out.StoredFault(), out.Adopted())
		}
		if err := s.stored.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: the stored descriptor is still open", s.name)
		}
		t.Log(out.StoredFault())
		if !c.high(t, 0) {
			t.Errorf("%s: line was not driven to Fresh", s.name)
		}
		_ = out.Close()
	}
}

// Line a is driven by somebody else, and what we have under its name is line b: only the
// kernel's fdinfo tells (Linux 6.0).
func TestStoredDescriptorOfAnotherLine(t *testing.T) {
	c, twin := newSimChip(t, "a", "b"), newSimChip(t, "a")
	a := open(t, c, "a", OutputOptions{Consumer: "other"})
	for _, held := range []*Output{open(t, c, "b", OutputOptions{}), open(t, twin, "a", OutputOptions{})} {
		_, err := OpenOutput(c.label, "a", OutputOptions{Keep: true, Stored: dupAs(t, held.File(), a.StoreName())})
		if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "belongs to line") {
			t.Errorf("%s: error = %v, want ErrBusy and whose the descriptor is", held.Info(), err)
		}
	}
}

func TestBusyNamesOwner(t *testing.T) {
	c := newSimChip(t, "a")
	open(t, c, "a", OutputOptions{Consumer: "somebody else"})
	_, outErr := OpenOutput(c.label, "a", OutputOptions{})
	_, inErr := OpenInput(c.label, "0", InputOptions{})
	for _, err := range []error{outErr, inErr} {
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Owner != "somebody else" || !errors.Is(err, ErrBusy) {
			t.Errorf("error = %v, want BusyError of \"somebody else\"", err)
		}
	}
}

func TestSymbolicLinkAndOffset(t *testing.T) {
	c := newSimChip(t, "", "a")
	link := filepath.Join(t.TempDir(), "gpio-relays")
	if err := os.Symlink(c.dev, link); err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct{ chip, line string }{{link, "1"}, {link, "a"}, {c.dev, "a"}, {c.label, "1"}, {"", "a"}} {
		if i, err := Describe(w.chip, w.line); err != nil || i.Offset != 1 || i.Chip != c.dev {
			t.Errorf("Describe(%q, %q) = %+v, %v; want line 1 of %s", w.chip, w.line, i, err, c.dev)
		}
	}
	if _, err := OpenInput(link, "a", InputOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRemovedOutput(t *testing.T) {
	c := newSimChip(t, "a")
	o := open(t, c, "a", OutputOptions{})
	c.unplug(t)
	if _, err := o.Set(true, ""); !errors.Is(err, ErrGone) {
		t.Errorf("Set = %v, want ErrGone", err)
	}
	if _, _, err := o.Active(); !errors.Is(err, ErrGone) {
		t.Errorf("Active = %v, want ErrGone", err)
	}
	c.live(t)
}

func TestUseAfterClose(t *testing.T) {
	c := newSimChip(t, "a", "b")
	o := open(t, c, "a", OutputOptions{})
	if err := errors.Join(o.Close(), o.Close()); err != nil {
		t.Error(err)
	}
	if _, err := o.Set(true, ""); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "(a)") {
		t.Errorf("Set after Close = %v", err)
	}
	in, _ := watched(t, c, "b", InputOptions{})
	if err := errors.Join(in.Close(), in.Close()); err != nil {
		t.Error(err)
	}
	if _, err := in.Active(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Active after Close = %v", err)
	}
}
