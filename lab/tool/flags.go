package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"longarm/lab/guest"
)

// job is one program in one guest.
type job struct {
	guest.Options
	argv    []string
	env     []string
	limit   time.Duration
	verbose bool
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func parse(verb string, args []string, errw io.Writer) (*job, error) {
	j := &job{}
	var files list
	fs := flag.NewFlagSet("lab "+verb, flag.ContinueOnError)
	fs.SetOutput(errw)
	fs.StringVar(&j.Arch, "arch", "arm64", "arm64 or arm")
	fs.StringVar(&j.Machine, "machine", "", "raspi3b: the Raspberry Pi 3's own GPIO controller")
	fs.StringVar(&j.Mode, "mode", "mini", "mini or systemd")
	fs.BoolVar(&j.Booted, "booted", false, "go on from the saved machine with systemd")
	fs.BoolVar(&j.Virtual, "virtual", false, "the clock counts instructions and jumps over idle time")
	fs.StringVar(&j.Serial, "serial", "", "usb or pci")
	fs.BoolVar(&j.Watchdog, "watchdog", false, "a hardware watchdog")
	fs.BoolVar(&j.KeepSoC, "keep-soc", false, "keep the board's own GPIO chip as gpiochip0")
	fs.BoolVar(&j.NoNet, "no-net", false, "no network card")
	fs.IntVar(&j.CPUs, "smp", 0, "CPUs (default 1)")
	fs.IntVar(&j.MemMB, "mem", 0, "memory, MiB (default 256, with systemd 512)")
	fs.StringVar(&j.Append, "append", "", "more kernel command line")
	fs.StringVar(&j.Data, "data", "", "raw image of a data disk, /dev/vda")
	fs.StringVar(&j.Dir, "dir", "", "working folder, kept")
	fs.DurationVar(&j.Timeout, "boot-timeout", 0, "limit for the boot (default 90s)")
	fs.DurationVar(&j.limit, "timeout", 5*time.Minute, "limit for the program")
	fs.BoolVar(&j.verbose, "v", false, "say how long it took")
	fs.Var(&files, "file", "HOST:GUEST, a file to put into the guest (repeatable)")
	fs.Var((*list)(&j.env), "env", "NAME=VALUE for the program (repeatable)")
	fs.Var((*list)(&j.QEMU), "qemu", "one more argument for QEMU (repeatable)")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() == 0 {
		return nil, errors.New("nothing to run")
	}
	if err := j.files(files); err != nil {
		return nil, err
	}
	j.program(verb, fs.Args())
	return j, nil
}

func (j *job) files(pairs []string) error {
	for _, p := range pairs {
		host, at, ok := strings.Cut(p, ":")
		if !ok {
			return fmt.Errorf("-file wants HOST:GUEST, not %q", p)
		}
		j.Files = append(j.Files, guest.File{Path: at, Src: host})
	}
	return nil
}

func (j *job) program(verb string, args []string) {
	if verb == "sh" {
		j.argv = []string{"/bin/sh", "-c", strings.Join(args, " ")}
		return
	}
	at := path.Join("/lab-bin", filepath.Base(args[0]))
	j.Files = append(j.Files, guest.File{Path: at, Src: args[0], Mode: 0o755})
	j.argv = append([]string{at}, args[1:]...)
}
