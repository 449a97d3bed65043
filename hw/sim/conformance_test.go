package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longarm/hw/hwtest"
)

// outputRig is a machine whose trace file is the witness.
type outputRig struct {
	m    *Machine
	path string
}

func newOutputRig(t *testing.T) hwtest.OutputRig {
	r := &outputRig{path: filepath.Join(t.TempDir(), "trace")}
	r.m = machine(t, Options{Trace: r.path})
	return r
}

func (r *outputRig) Open(name string, keep, fresh bool) (hwtest.Output, error) {
	return r.m.Output(name, OutputOptions{Keep: keep, Fresh: fresh})
}

func (r *outputRig) Restart(t *testing.T, o hwtest.Output) {
	_ = o.Close()
	if err := r.m.Close(); err != nil {
		t.Fatal(err)
	}
	r.m = machine(t, Options{Trace: r.path})
}

func (r *outputRig) Edges(t *testing.T, name string) (edges []bool) {
	for _, e := range readTrace(t, r.path) {
		if e.Name == name {
			edges = append(edges, e.Active)
		}
	}
	return edges
}

func (r *outputRig) Proof() string { return "sim" }

type inputRig struct{ m *Machine }

func newInputRig(t *testing.T) hwtest.InputRig { return inputRig{machine(t, Options{})} }

func (r inputRig) Open(name string, edge func(bool, time.Duration)) (hwtest.Input, error) {
	return r.m.Input(name, edge), nil
}

func (r inputRig) Move(t *testing.T, name string, active bool) {
	if err := r.m.Control(name + map[bool]string{true: " on", false: " off"}[active]); err != nil {
		t.Fatal(err)
	}
}

func TestOutputs(t *testing.T) { hwtest.Outputs(t, newOutputRig) }
func TestInputs(t *testing.T)  { hwtest.Inputs(t, newInputRig) }

func machine(t *testing.T, o Options) *Machine {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func readTrace(t *testing.T, path string) (edges []edge) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var e edge
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("trace line %q: %v", line, err)
		}
		edges = append(edges, e)
	}
	return edges
}
