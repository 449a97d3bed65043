package guest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"longarm/lab/wire"
)

// Options say what to boot. The zero value is a small arm64 guest with one GPIO chip.
type Options struct {
	Cache   string      // default $LAB_CACHE, else the user's cache folder + /longarm-lab
	Arch    string      // arm64 (default) or arm
	Machine string      // virt (default), or raspi3b: the Pi 3's own GPIO controller, arm64 and mini only
	Mode    string      // mini (default): the program alone; or systemd, as PID 1
	Chips   []wire.Chip // simulated chips, the first is gpiochip0; default one PiChip
	KeepSoC bool        // keep the virt board's own 8-line PL061 as gpiochip0
	Trace   bool        // outputs are traced from before the chips are made, so that a boot is covered (see TraceOutputs)

	NoNet    bool   // no network card; else the guest is 10.0.2.15 and the host's loopback 10.0.2.2
	Serial   string // "", "usb" (FTDI, /dev/ttyUSB0) or "pci" (/dev/ttyS0)
	Watchdog bool   // an i6300esb hardware watchdog, /dev/watchdog0; arm64 only, since armmp has no driver

	Files   []File   // put into the guest before anything runs; with Booted after the start, so units need a daemon-reload
	Modules []string // more kernel modules to load
	MemMB   int      // default 256 in mini mode, 512 with systemd
	CPUs    int      // default 1; two are slower on a small host
	Append  string   // more kernel command line
	QEMU    []string // more arguments for QEMU
	Reboot  bool     // let the guest reboot; otherwise a reboot ends it

	Disk  string // systemd: root image used read-write and kept; default a throw-away view of the cached one
	Data  string // mini: host path of a raw disk image, the first virtio disk, /dev/vda, read-write and kept
	Share bool   // mini: a folder shared with the host, Dir/share there and ShareDir here; systemd always has it
	Dir   string // working folder; default a temporary one, removed by Close

	// Booted goes on from the saved machine that lab/prepare has booted already, arm64 or
	// arm, in about a second: systemd, the network, one PiChip (of Chips only the pulls of
	// that chip count) and, with Serial "usb", an adapter that is plugged in right after.
	Booted bool

	// Virtual lets the guest's clock count instructions and jump over idle time: an idle
	// hour takes seconds. Whatever the guest waits for outside takes ages for it: of the
	// network only what is answered at once works, such as connection refused.
	Virtual bool

	Timeout time.Duration // limit for the boot; default 90 s of the host's time
}

// File is put into a guest.
type File struct {
	Path string // in the guest
	Src  string // host file, or
	Data []byte // contents, or
	Link string // a symbolic link's target
	Mode uint32 // default 0755 for Src, 0644 for Data
}

func (f File) mode() uint32 {
	if f.Src != "" {
		return cmp.Or(f.Mode, 0o755)
	}
	return cmp.Or(f.Mode, 0o644)
}

func (f File) contents() ([]byte, error) {
	if f.Src == "" {
		return f.Data, nil
	}
	return os.ReadFile(f.Src)
}

// ShareDir is where the guest sees the folder that it shares with the host.
const ShareDir = "/run/share"

// PiChip is a chip that looks like a Raspberry Pi 4's, with lines GPIO2 to GPIO27 named.
func PiChip() wire.Chip {
	names := map[int]string{0: "ID_SDA", 1: "ID_SCL"}
	for i := 2; i < 28; i++ {
		names[i] = fmt.Sprintf("GPIO%d", i)
	}
	return wire.Chip{Name: "pi", Label: "pinctrl-bcm2711", Lines: 58, Names: names}
}

// Name says in words what is booted, for tables: "arm64 systemd, booted".
func (o Options) Name() string {
	arch := cmp.Or(o.Arch, "arm64")
	switch {
	case o.raspi():
		return "raspi3b"
	case o.Booted:
		return arch + " systemd, booted"
	case o.Mode == "systemd":
		return arch + " systemd, cold"
	}
	return arch + " mini"
}

func (o Options) raspi() bool { return o.Machine == "raspi3b" }

// filled sets every default.
func (o Options) filled() Options {
	o.Cache = cmp.Or(o.Cache, CacheDir())
	o.Arch = cmp.Or(o.Arch, "arm64")
	o.Mode = cmp.Or(o.Mode, "mini")
	o.CPUs = cmp.Or(o.CPUs, 1)
	o.MemMB = cmp.Or(o.MemMB, map[string]int{"mini": 256, "systemd": 512}[o.Mode])
	o.Timeout = cmp.Or(o.Timeout, 90*time.Second)
	switch {
	case o.raspi(): // it has a chip of its own
		o.Chips = []wire.Chip{}
	case o.Chips == nil:
		o.Chips = []wire.Chip{PiChip()}
	}
	return o
}

// check says what cannot be had together; o is filled.
func (o Options) check() error {
	var faults []error
	no := func(wrong bool, what string) {
		if wrong {
			faults = append(faults, errors.New(what))
		}
	}
	no(o.Arch != "arm64" && o.Arch != "arm", "unknown architecture "+o.Arch)
	no(o.Mode != "mini" && o.Mode != "systemd", "unknown mode "+o.Mode)
	no(o.Serial != "" && o.Serial != "usb" && o.Serial != "pci", "unknown serial "+o.Serial)
	no(o.raspi() && (o.Arch != "arm64" || o.Mode != "mini"), "raspi3b is an arm64 board in mini mode")
	no(o.Data != "" && (o.Mode != "mini" || o.raspi()), "Data is a disk of a mini guest on the virt board")
	no(o.Disk != "" && o.Mode != "systemd", "Disk is the root of a guest with systemd")
	no(o.Watchdog && o.Arch == "arm", "the kernel for arm has no driver for the watchdog")
	no(o.Virtual && o.raspi(), "Virtual is for the virt board")
	return errors.Join(faults...)
}

// CacheDir is where lab/prepare keeps things.
func CacheDir() string {
	if d := os.Getenv("LAB_CACHE"); d != "" {
		return d
	}
	d, err := os.UserCacheDir()
	if err != nil {
		d = os.TempDir()
	}
	return filepath.Join(d, "longarm-lab")
}
