package guest

import (
	"flag"
	"os"
	"strings"
	"testing"

	"longarm/lab/wire"
)

var update = flag.Bool("update", false, "write testdata anew")

var machines = []struct {
	name string
	o    Options
}{
	{"the zero value", Options{}},
	{"arm with all", Options{Arch: "arm", Share: true, Serial: "usb", Reboot: true, Modules: []string{"softdog"}, MemMB: 300, CPUs: 2, QEMU: []string{"-snapshot"}, Append: "more"}},
	{"no network, a UART, a watchdog, data", Options{NoNet: true, Serial: "pci", Watchdog: true, Data: "/data.img"}},
	{"systemd", Options{Mode: "systemd", Virtual: true}},
	{"systemd on a disk of its own", Options{Mode: "systemd", Disk: "/root.img"}},
	{"saved", Options{Booted: true, Serial: "usb", Trace: true}},
	{"raspi3b", Options{Machine: "raspi3b", Serial: "usb"}},
}

// What QEMU is told, word by word: a change that is seen here may need all saved machines
// renewed. Run with -update to write it anew.
func TestMachines(t *testing.T) {
	const golden = "testdata/machines.txt"
	var b strings.Builder
	for _, c := range machines {
		c.o.Cache = "/CACHE"
		r, err := newRun(c.o)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		m := newMachine(r, "/DIR")
		b.WriteString("== " + c.name + "\n" + m.bin)
		for _, a := range m.args {
			if strings.HasPrefix(a, "-") {
				a = "\n  " + a
			} else {
				a = " " + a
			}
			b.WriteString(a)
		}
		b.WriteString("\n  modules " + strings.Join(m.modules, " ") + "\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// A saved machine can go on from the one that was saved, wherever both lie, and from no
// other.
func TestSignature(t *testing.T) {
	sign := func(r *run, dir string, meta Meta) string { return newMachine(r, dir).signature([]string{"a"}, meta) }
	again, err := newRun(Options{Cache: "/one", Booted: true})
	if err != nil {
		t.Fatal(err)
	}
	want := sign(toSave(Options{Cache: "/two", Disk: "/d"}), "/elsewhere", Meta{Kernel: "6", Guest: "g"})
	if got := sign(again, "/here", Meta{Kernel: "6", Guest: "g"}); got != want {
		t.Error("the machine that goes on does not fit the saved one")
	}
	if sign(again, "/here", Meta{Kernel: "7", Guest: "g"}) == want || sign(again, "/here", Meta{Kernel: "6", Guest: "h"}) == want {
		t.Error("another kernel or program inside fits too")
	}
}

func TestRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"unknown arch":         {Arch: "riscv"},
		"unknown mode":         {Mode: "big"},
		"unknown serial":       {Serial: "rs485"},
		"raspi3b with systemd": {Machine: "raspi3b", Mode: "systemd"},
		"raspi3b on arm":       {Machine: "raspi3b", Arch: "arm"},
		"arm watchdog":         {Arch: "arm", Watchdog: true},
		"raspi3b virtual":      {Machine: "raspi3b", Virtual: true},
		"raspi3b data":         {Machine: "raspi3b", Data: "/d"},
		"data with systemd":    {Mode: "systemd", Data: "/d"},
		"disk without systemd": {Disk: "/d"},
		"booted disk":          {Booted: true, Disk: "/d"},
		"booted append":        {Booted: true, Append: "x"},
		"booted raspi3b":       {Booted: true, Machine: "raspi3b"},
		"booted watchdog":      {Booted: true, Watchdog: true},
		"booted without net":   {Booted: true, NoNet: true},
		"booted pci":           {Booted: true, Serial: "pci"},
		"booted virtual":       {Booted: true, Virtual: true},
		"booted two chips":     {Booted: true, Chips: make([]wire.Chip, 2)},
	} {
		if _, err := newRun(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestName(t *testing.T) {
	for want, o := range map[string]Options{
		"arm64 mini": {}, "arm systemd, cold": {Arch: "arm", Mode: "systemd"},
		"arm64 systemd, booted": {Booted: true}, "raspi3b": {Machine: "raspi3b"},
	} {
		if got := o.Name(); got != want {
			t.Errorf("%+v is %q, want %q", o, got, want)
		}
	}
}
