// Package clock reads the kernel's clocks: monotonic, since boot, and whether the wall
// clock can be believed. It never reads or sets the wall clock itself.
package clock

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const bootIDFile = "/proc/sys/kernel/random/boot_id" // proc_sys_kernel(5)

// Monotonic is CLOCK_MONOTONIC (clock_gettime(2)): the clock of GPIO edge events and of
// the simulator's trace. It stands still while the machine is suspended.
func Monotonic() time.Duration { return read(unix.CLOCK_MONOTONIC) }

// Boot is CLOCK_BOOTTIME: the time since boot, suspension included. Deadlines in the
// journal are on this clock and are worth something only together with BootID.
func Boot() time.Duration { return read(unix.CLOCK_BOOTTIME) }

// BootID names this boot of the machine: a UUID that changes with every boot. It is empty
// when /proc cannot be read, and then no two boots may be taken for the same.
func BootID() string {
	b, err := os.ReadFile(bootIDFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Synchronised reports whether the kernel holds the wall clock for set by NTP or another
// source (adjtimex(2): neither STA_UNSYNC nor TIME_ERROR). When the kernel refuses the
// question, as under ProtectClock= in a unit file, the answer is false: not to be believed.
func Synchronised() bool {
	var tx unix.Timex // no mode set: asks only
	state, err := unix.Adjtimex(&tx)
	return err == nil && believed(state, tx.Status)
}

func believed(state int, status int32) bool {
	return state != unix.TIME_ERROR && status&unix.STA_UNSYNC == 0
}

func read(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0 // both clocks exist on every Linux that Go runs on
	}
	return time.Duration(ts.Nano())
}
