package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// openControl opens the host's end: the tty that the kernel's command line names as
// lab.tty=, else the virtio port "lab.ctl".
func openControl() (*os.File, error) {
	args, err := look("/proc/cmdline")
	if err != nil {
		return nil, err
	}
	for w := range strings.FieldsSeq(args) {
		if tty, ok := strings.CutPrefix(w, "lab.tty="); ok {
			return openTTY(tty)
		}
	}
	var f *os.File
	if !until(6*time.Second, 10*time.Millisecond, func() bool { f = findPort("lab.ctl"); return f != nil }) {
		return nil, fmt.Errorf("no virtio port lab.ctl")
	}
	return f, nil
}

// findPort finds a virtio port by its name, since there may be no udev to make the link; nil
// if it is not there yet.
func findPort(name string) *os.File {
	names, _ := filepath.Glob("/sys/class/virtio-ports/*/name") // the pattern is right
	for _, p := range names {
		if n, err := look(p); err != nil || n != name {
			continue
		}
		if f, err := os.OpenFile("/dev/"+filepath.Base(filepath.Dir(p)), os.O_RDWR, 0); err == nil {
			return f
		}
	}
	return nil
}

// openTTY opens a UART raw, at 9600: QEMU's Pi mini UART mistakes the divisor's high byte
// for the register that enables interrupts, and at 115200 that byte is 0 and no character
// ever comes in. The emulated line runs at full speed whatever the setting.
func openTTY(dev string) (*os.File, error) {
	f, err := os.OpenFile(dev, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dev, err)
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B9600
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return f, unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t)
}
