package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"longarm/lab/wire"
)

// boot is PID 1. It returns only what kept it from going on.
func boot() error {
	began := time.Now()
	mountFirst()
	c, err := readConfig()
	if err != nil {
		return err
	}
	for _, m := range c.Modules {
		if err := loadModule(m); err != nil {
			logf("module %s: %v", m, err)
		}
	}
	mountKernel()
	if c.Trace {
		if err := traceOutputs(); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
	}
	if !c.KeepSoC {
		unbindSoC()
	}
	if err := makeChips(c.Chips); err != nil {
		return err
	}
	if err := ifUp("lo", "127.0.0.1", "255.0.0.0"); err != nil {
		logf("lo: %v", err)
	}
	if err := keepProgram(); err != nil {
		return err
	}
	logf("setup done in %v", time.Since(began).Round(time.Millisecond))
	if c.Mode == "systemd" {
		return switchRoot(c)
	}
	return mini(c)
}

// readConfig reads the host's wishes and does those that are the kernel's own.
func readConfig() (wire.Config, error) {
	var c wire.Config
	b, err := os.ReadFile("/lab/config.json")
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("config.json: %w", err)
	}
	if err := unix.Sethostname([]byte(c.Hostname)); err != nil {
		return c, fmt.Errorf("host name: %w", err)
	}
	if now := time.Now(); c.Time > now.UnixNano() { // no clock on this board
		tv := unix.NsecToTimeval(c.Time)
		if err := unix.Settimeofday(&tv); err != nil {
			return c, fmt.Errorf("clock: %w", err)
		}
	}
	return c, nil
}

func loadModule(name string) error {
	f, err := os.Open("/lab/modules/" + name + ".ko")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	err = unix.FinitModule(int(f.Fd()), "", 0)
	if errors.Is(err, unix.EEXIST) { // another one brought it
		return nil
	}
	return err
}

// program is where this program stays when the initramfs is gone.
const program = runFolder + "labguest"

func keepProgram() error {
	b, err := os.ReadFile("/init")
	if err != nil {
		return err
	}
	return os.WriteFile(program, b, 0o755)
}
