package gpio

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"longarm/hw/hwtest"
)

// suiteLines are the names that the suite opens; offset gives back the place of one.
var suiteLines = []string{"a", "b", "c", "d", "e", "f", "g", "h"}

func offset(name string) int { return int(name[0] - 'a') }

// outputRig is a gpio-sim chip and what a descriptor store would hold.
type outputRig struct {
	*simChip
	store map[string]*os.File
}

func newOutputRig(t *testing.T) hwtest.OutputRig {
	return &outputRig{newSimChip(t, suiteLines...), map[string]*os.File{}}
}

func (r *outputRig) Open(name string, keep, fresh bool) (hwtest.Output, error) {
	o := OutputOptions{Consumer: "longarm:" + name, Keep: keep, Fresh: fresh}
	info, err := Describe(r.label, name)
	if err != nil {
		return nil, err
	}
	o.Stored = r.store[info.StoreName()]
	delete(r.store, info.StoreName())
	return OpenOutput(r.label, name, o)
}

// Restart keeps a copy of the descriptor, as the store does, and closes the agent's.
func (r *outputRig) Restart(t *testing.T, o hwtest.Output) {
	out := o.(*Output)
	r.store[out.StoreName()] = dup(t, out.File())
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func (r *outputRig) Edges(t *testing.T, name string) []bool {
	return r.edges(t, offset(name), false)
}

func (r *outputRig) Proof() string { return "readback" }

type inputRig struct{ *simChip }

func newInputRig(t *testing.T) hwtest.InputRig { return inputRig{newSimChip(t, suiteLines...)} }

func (r inputRig) Open(name string, edge func(bool, time.Duration)) (hwtest.Input, error) {
	return OpenInput(r.label, name, InputOptions{Consumer: "longarm:" + name, Edge: edge})
}

func (r inputRig) Move(t *testing.T, name string, active bool) { r.pull(t, offset(name), active) }

func TestOutputsOnKernel(t *testing.T) { hwtest.Outputs(t, newOutputRig) }
func TestInputsOnKernel(t *testing.T)  { hwtest.Inputs(t, newInputRig) }

func dup(t *testing.T, f *os.File) *os.File { t.Helper(); return dupAs(t, f, f.Name()) }

func dupAs(t *testing.T, f *os.File, name string) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), name)
}
